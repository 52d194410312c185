package pubsub

import (
	_ "cloud.google.com/go/pubsub/v2/pstest"
	_ "google.golang.org/api/option"
	_ "google.golang.org/grpc"
	_ "google.golang.org/protobuf/encoding/protojson"
	_ "google.golang.org/genproto/googleapis/cloud/audit"
)
