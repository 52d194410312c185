// Package kibana makes the saved objects that show our documents in Kibana: data views,
// searches, dashboards; and puts them into one.
//
// They are made of the same table of fields as the mappings, so that no panel names a
// field that is not there. Documents and templates stay outside.
package kibana
