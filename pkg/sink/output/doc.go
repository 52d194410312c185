// Package output writes detections where people and programs pick them up: to a
// stream such as standard output, to a file, to an HTTP endpoint as Falco's
// http_output does.
//
// An output writes and nothing else. What a line looks like is package alert's
// matter; when to write again, and that an event comes once, is the caller's. The
// durable log and the configuration stay outside.
//
// # What a failed write leaves
//
// All of a delivery comes again after an error. A stream takes nothing back, so it
// goes on at the byte where it stopped. A file is cut back to the end of the
// delivery before. Over HTTP, what the receiver took is remembered and left out.
//
// # The HTTP contract
//
// One POST for each detection: the body is Falco's JSON line without line break,
// Content-Type is application/json. Any 2xx is success; the answer's body is read
// and thrown away. X-Kubewitness-Detection-Id holds 32 hex digits that are the same
// each time the detection is sent, for receivers that want to count once. Redirects
// are not followed: a detection goes to the configured host or nowhere.
//
//	network errors, time-outs, 5xx, 408, 425, 429   come again; Retry-After is observed
//	3xx, 401, 404, 405, 407                          come again: the URL or the credential is
//	                                                 wrong, for every detection alike
//	any other 4xx                                    refused for good, that detection only
//
// Requests of one delivery overlap, so their order is not promised; the next
// delivery begins when all of them are settled. A receiver that fails on one
// particular detection holds up all behind it: the error names the detection.
package output
