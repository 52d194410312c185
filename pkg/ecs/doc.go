// Package ecs makes documents for Elasticsearch of events and detections: in ECS, in the
// field names of the kubernetes.audit_logs data set that Elastic's own rules read, and
// in fields of our own below kubewitness.
//
// One table has every field with its type and meaning; the mappings of the index
// templates, the reference in docs/elasticsearch.md and the map of the catalogue's fields
// are made of it. How documents get to a server, and what is asked of them there, stays
// outside.
package ecs
