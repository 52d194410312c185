// Package cloudlogging reads the audit log of GKE from the Cloud Logging API: history by
// pages, the present by following.
//
// What an entry means stands in package gcp; what becomes of the event in package ingest.
package cloudlogging

import _ "cloud.google.com/go/logging/apiv2"
