// Package cloudlogging reads the audit log of GKE from the Cloud Logging API: the present by following, history by pages.
//
// # What is read
//
// Each entry is received by Cloud Logging a while after it happened, and can be found a while after it was received. So what
// is new is not asked for by the time of the event (timestamp) but by that of its receipt (receiveTimestamp). A [Puller] has
// two places in that time, which are on disk:
//
//   - read: what was received before it was asked for. It moves with each poll, and with what entries.tail brings. Each
//     reading begins some seconds before it.
//   - swept: what was received before it was asked for when it had been there for Config.Overlap. One reading a while later
//     finds what could not be found at first, and what a tail left out without telling.
//
// So each entry is asked for twice or so, an entry may be late by a day, and what was seen already is passed over by its log,
// time and insertId, before anything is made of it. What is remembered for that is bounded; what is forgotten is known to the
// intake and to the store.
//
// A tail tells that it left entries out (SuppressionInfo): then read stays where it is until the entries from there on are
// read page by page. A tail that cannot be had, or ends, is replaced by polling, and tried again later.
//
// A [Follower] runs a puller for the resource that is named, and for a folder or an organization one for each project in it:
// the API has the log of a project under the project alone.
//
// # What holds
//
// The places move only after the taker said that it has the events, and not past an entry of which parts are missing. A long
// reading also keeps how far it is, so that it goes on where it was. What is asked again after a restart is known by its
// identity. Errors of the API are tried again for ever, from the same page where that is possible; what an operator has to
// mend (a permission, a filter) is told, and tried again too. Clocks must agree within Config.Overlap.
//
// # Quota
//
// Read requests are counted in one bucket for each project ([Quotas]), which all processes with the same folder share. Who
// follows comes before who reads history: history leaves some requests in the bucket, and stands back while a puller waits.
//
// What an entry means stands in package gcp; what becomes of the event in package ingest; how queries are written in query.
package cloudlogging
