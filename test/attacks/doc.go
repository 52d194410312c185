// Package attacks measures our rules on recorded attacks: which scenarios are
// told of by a rule that fits, and how much is said of ordinary traffic.
//
// fits.txt says which tags a detection must carry to fit a scenario; it was
// written before the rules were tuned. testdata holds recordings of a real API
// server, cut down to what rules can read (reduce_test.go); the whole ones are
// reference data. `make attacks` prints the table, with a third of the scenarios
// held out at random:
//
//	make attacks                            the recordings of this folder
//	KUBEWITNESS_ATTACKS=FOLDER make attacks others: attacks.jsonl.gz, labels.jsonl
//	                                        and normal.jsonl.gz, in the same form
//
// A label is a line {"auditID": ..., "scenario": ..., "variant": ...} for each
// request of an attack. A scenario that fits.txt does not know is printed, and
// counts nowhere.
//
// Tests only.
package attacks
