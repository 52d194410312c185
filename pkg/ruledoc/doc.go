// Package ruledoc writes the pages of rules, as Markdown: one for each rule and one that
// lists them, made of the rules and of their tests.
//
// A page tells what the rule means, shows what its first positive test finds as the answer
// that an alert prints, and has what the test file says about the rule. Files are read and
// written elsewhere.
package ruledoc
