// Package watch tells when the content of named files changes: rules, certificates,
// tokens. A program that reads such a file again on word from here never needs a
// restart for it.
//
// What counts is content, not events. The kernel's notices (inotify) say when to
// look; what is there is then digested and compared with what was there before, so
// that a touch, a rename onto equal bytes or a swap of links that changes nothing
// stays silent, and a change is told however it was made: written in place, renamed
// over, or by the link swap of Kubernetes' ConfigMap and Secret volumes. Every name
// that a path leads through is watched in its folder, links and their targets
// included, so that a file may also not exist yet, nor its folders.
//
// Notices get lost: network file systems send none, inotify's instances and watches
// are limited per user, queues run over. Therefore everything is also compared at a
// slow pace, always; notices only make it quick.
//
// What must not come in: what the files mean, and files that grow (a log's tail has
// questions of its own). This is the one room that knows fsnotify.
package watch
