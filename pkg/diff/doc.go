// Package diff tells how two states of a Kubernetes object differ: where, and what
// stands there in each.
//
// # Pointers
//
// A place is a JSON pointer (RFC 6901) with two additions. An element of a list whose
// elements have names is told by those and not by its number, as in
// /spec/containers/[name=web]/image; values that are no plain words are quoted, as in
// [name="a b",kind=User]. The member of an object whose own name begins with "[" has
// that spelled "~2", which no other pointer holds, so that the two cannot be mistaken
// for each other.
//
// An element without a name is told by its number: of one that is gone the number that
// it had, of all others the one that they have now.
//
// # Lists
//
// The elements of a list are found again by their names where each element is an object
// and has a name that no other has: the first of mountPath, devicePath, name (with kind
// and namespace), type, containerPort and port (with protocol), ip, host, path (with
// pathType) and uid that all of them have. That their order has changed is told by the
// list's pointer alone, in Result.Reordered. Of other lists the longest common
// subsequence stays; what lies between is compared one by one, in order.
//
// # Equal
//
// Numbers are equal if their values are, exactly: 1.0 is 1, and no digit is lost. Of
// equal keys in an object the last one counts. The order of keys makes no difference,
// nor does how a text is escaped. A text is never a number: "1" is not 1, and 1000m not
// 1, though a quantity may mean the same.
//
// What must not come in: where states come from, who changed them, and how a change is
// shown.
package diff
