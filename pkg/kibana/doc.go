// Package kibana makes the saved objects that show our documents in Kibana: data views,
// searches, dashboards; and puts them into one.
//
// A panel is defined once, in words of its own (Panel). Its Lens object and the plain
// query that Lens would send are both made of that, so that what runs against a server
// in the tests is what people see. Fields are those of package ecs' table. Documents and
// templates stay outside.
package kibana
