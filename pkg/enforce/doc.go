// Package enforce says what a detection at admission leads to: nothing but the detection, a
// warning to whoever asked, or a refusal. It stands in a file of its own, beside the rules,
// which stay what they are: a rule finds, the file decides.
//
// # The file
//
//	contact: "ask in #platform"         # how to get an exception; in each warning and denial
//	enforce:
//	  - rule: Privileged Container      # or a list; tag: T1611 means all rules with that tag
//	    action: observe                 # observe, warn or deny
//	    namespaces: [kube-system]
//	  - rule: Privileged Container
//	    action: deny
//	    clusters: [prod, "eu-*"]
//	    message: Use a capability.      # in place of the first sentence of the rule's description
//	  - tag: T1609
//	    action: warn
//	exceptions:
//	  - rule: Privileged Container      # or tag
//	    namespaces: [monitoring]
//	    names: ["node-exporter*"]       # of the object
//	    owner: team-observability       # these three are required
//	    reason: reads the disks' health from the devices
//	    expires: 2027-01-31             # the end of that day in UTC; or a time by RFC 3339
//
// Of the entries under enforce the first that fits counts, and where none does the detection
// is observed. An exception that fits and has not expired makes an observation of a warning
// or a denial.
//
// A denial is for who makes something so. Where an update leaves an object what it was, and the
// rule finds the object before, too, it is a warning; see [Before].
//
// Where an entry or an exception holds is told as package scope says. Where the labels of a namespace
// cannot be read though they should be, observe and exceptions that ask for them hold, and warn
// and deny do not.
//
// Unknown keys, keys that are there twice, and names of rules that do not exist are errors,
// with file, line and column.
//
// Where requests come from, what rules are, and who is answered, stays outside.
package enforce
