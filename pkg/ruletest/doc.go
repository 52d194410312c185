// Package ruletest reads tests of rules and runs them: files with audit events
// in, and whether the rules found in them what they should.
//
// What a rule is and how events are judged belong elsewhere; nothing is stored
// and nobody is told.
//
// # The test file
//
// Beside the rules file NAME.yaml stands NAME_test.yaml: a YAML list of items,
// each begun by the key that says what it is.
//
//	# execution_test.yaml
//	- defaults:                       # members of every template behind it in the file
//	    user: sam@example.org
//	    namespace: shop
//
//	- test: kubectl exec              # name, once in a file
//	  event: {verb: get, resource: pods/exec, name: web-1, container: web, command: [sh]}
//	  detect: [Exec or Attach to Pod]
//
//	- test: exec that was refused
//	  rule: Exec or Attach to Pod     # what a negative test is about
//	  event: {verb: get, resource: pods/exec, name: web-1, command: [sh], code: 403}
//	  detect: []
//
//	- about: Exec or Attach to Pod    # for the rule's page
//	  why: An attacker who has a shell ...
//	  false_positives: [Developers who debug, ...]
//	  response: [Ask whoever it was., ...]
//	  references: ["https://attack.mitre.org/techniques/T1609/"]
//
// Unknown keys, names of rules that do not exist, and everything else that is
// not written here are errors.
//
// # Tests
//
// A test has
//
//	test      its name
//	event     one event, or
//	events    a list of them, judged in this order
//	detect    the detections expected: a list, [] for none
//	rule      one or more rules that the test is about though they must not fire
//	variants  the same with other values: see below
//	matrix    the same with all combinations of values
//
// Of the rules of the file beside it, and of those that the test names, exactly
// those in detect must fire, each once for all events of the test: one detection
// for a request that has three stages. A rule that fires more often stands there
// more often, or with its number. An element of detect is a name, or
//
//	rule    the name
//	times   how often it must fire; 1 unless given
//	output  one or more texts that the output of each must hold
//	fields  output fields that each must have, by name: {ka.user.name: sam}
//
// A test is a positive one of each rule in detect, and a negative one of each in
// rule that is not in detect. Each rule should have both.
//
// # Events
//
// An event is one of
//
//   - a template: a request in few words, see below;
//   - an audit event or an EventList, recognised by its kind, in YAML or JSON;
//   - a log entry of GKE, recognised by protoPayload;
//   - {raw: TEXT}: JSON text with one or more of them, byte for byte;
//   - {file: PATH}: a recording, as "kubewitness replay" takes it; the path is
//     relative to the test file. audit_id or line (one or a list, each) take of it
//     the events with that auditID, or those that begin in that line; else all.
//
// Each may have cluster: the name of the cluster that it is from.
//
// # Templates
//
// A template describes a request; of it the events are made that kube-apiserver
// 1.35 writes where all is recorded. All keys can be left out but verb, and
// resource or uri.
//
//	user         name of the user; or {name, uid, groups, extra}
//	groups       his groups; as the authenticators give them: those of service accounts, nodes,
//	             anonymous and kubeadm's admin are known, all others have system:authenticated
//	as           the user that he impersonates, likewise a name or {name, uid, groups, extra}; none where
//	             that was refused
//	source_ip    one address or a list, the peer last; 192.0.2.10 unless given
//	agent        user agent; kubectl's unless given, none where it is ""
//
//	verb         get, list, watch, create, update, patch, delete, deletecollection; any verb with uri
//	resource     RESOURCE or RESOURCE/SUBRESOURCE, such as pods/exec; RESOURCE.GROUP where it is not Kubernetes' own, or not its usual group
//	version      of the API, for a group that is not Kubernetes' own; v1 unless given
//	namespace    its namespace
//	name         its name
//	generate_name  instead of a name, for create
//	query        parameters of the request: {fieldSelector: ...}; a value may be a list
//	uri          the request's URI where it is not the usual one (odd spellings), or without resource: /version
//	command      of exec and attach; a list
//	container    of exec, attach and log
//	dry_run      true: as with kubectl --dry-run=server
//	apply        true: a patch that is a server-side apply
//
//	request      the request's object; what is left out of a create, update or apply is filled
//	             in: kind, apiVersion, metadata.name and namespace. A list is a JSON patch.
//	pod          the pod's spec, put where the resource has it: pods, and all that have a template of pods
//	image        the image of the first container of pod
//	response     the response's object; unless given, that of a create, update or apply is the request's with uid and
//	             times, a failure's is a Status, and others have none
//
//	code         of the response; by the verb unless given: 200, 201 for create, 101 for exec, attach and portforward
//	message      of the response's status, for a code from 400 on
//	decision     allow or forbid: of the authorizer; forbid for a code of 403 unless given. What admission
//	             refuses has {code: 403, decision: allow}
//	annotations  more annotations
//
//	stage        the only stage, or a list; unless given all that such a request has:
//	             RequestReceived and ResponseComplete, between them ResponseStarted for what
//	             stays open (exec, attach, portforward, proxy, log, watch); for a code of 401
//	             only ResponseStarted, and then no user
//	level        RequestResponse, Request or Metadata, which leave out objects
//	at           when it came: after the start of the test (90s, 2h, 14d), or a time
//	             (2026-01-31T10:00:00Z); unless given a second after the one before
//	audit_id     its auditID; made up unless given
//	times        so many such requests, one after the other; ${n} is their number, from 1
//	every        the time between them; a second unless given
//
// # Variants
//
// Names in variants and matrix are placeholders: ${name} in any text of the
// test's events, detect and so on is replaced; where a text is nothing else, by
// a value of any kind. A name that is no placeholder of the test but a key of
// templates takes that key's place in every template.
//
//	# a test in eight variants
//	- test: exec by others
//	  event: {user: alice, verb: get, resource: pods/exec, namespace: shop, name: web-1, command: ["${shell}"]}
//	  matrix: {shell: [sh, bash]}                                  # both
//	  variants: [{user: bob}, {user: carol}, {namespace: other}]   # each of them, and none, with each of these
//	  detect: [Exec or Attach to Pod]
//
// The test runs with each row of variants, and also without any where the text
// has no placeholder that only variants fill; each of these with all that matrix
// gives.
package ruletest
