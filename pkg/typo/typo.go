// Package typo finds, of known names, the one that somebody probably meant.
//
// What is said then is who asks. Names that are keys, rules or anything else are texts here.
package typo

// Nearest gives the index of the name that is most like another one, -1 if none is: more
// than a third of it would have to be changed. Case counts. What is longer than longest is
// no name.
func Nearest(name string, among []string, longest int) int {
	best, least := -1, max(len(name)/3, 1)+1
	for i, s := range among {
		if d := Distance(name, s, longest); d < least {
			best, least = i, d
		}
	}
	return best
}

// Distance is how many bytes must be changed, put in or left out to make one word of the
// other; of words longer than longest, the length of the longer one, since it costs the
// product of both to find out.
func Distance(a, b string, longest int) int {
	if max(len(a), len(b)) > longest {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
