// Package indices puts up in Elasticsearch what has to be there before documents come:
// component and index templates, a policy of how long they stay, the data streams; and
// tells what is wrong with a connection.
//
// All of it can be done again at any time: what is as it should be is left alone. What
// documents look like is package ecs' matter; sending them the sink's.
package indices
