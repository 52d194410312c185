package ecs_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
)

func TestDocumentsAreJSON(t *testing.T) {
	for _, e := range corpus(t) {
		r, o := full(e), &ecs.Options{Namespace: "prod", KibanaURL: "https://kibana.example", EventURL: "https://kubewitness.example/events/"}
		for _, doc := range [][]byte{ecs.AppendEvent(nil, r, o), ecs.AppendDetection(nil, r, 0, o), ecs.AppendReduced(nil, r, o, "why")} {
			require.True(t, json.Valid(doc), string(doc))
		}
	}
}
