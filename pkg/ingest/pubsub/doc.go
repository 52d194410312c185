// Package pubsub takes the audit log of GKE from Pub/Sub, where a log sink sends it.
//
// What an entry means stands in package gcp; what becomes of the event in package ingest.
package pubsub

import _ "cloud.google.com/go/pubsub/v2"
