package mutate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// BenchmarkApply has pods of 4 KB that nothing is done to, and to which everything is.
func BenchmarkApply(b *testing.B) {
	var env strings.Builder
	for i := range 60 {
		fmt.Fprintf(&env, "{name: V%d, value: 'a value of some words that is not short'}, ", i)
	}
	object := fromYAML(b, podWith("name: web, labels: {app: web}", "{containers: [{name: c, image: nginx, env: ["+env.String()+"]}]}"))
	for name, text := range map[string]string{"nothing": "mutate: [{name: a, condition: ka.verb = delete, labels: {add: {a: b}}}]", "everything": everything} {
		b.Run(name, func(b *testing.B) {
			f, r := file(b, text), requestOf(object, audit.Value{}, "")
			b.SetBytes(int64(len(object.Raw())))
			for b.Loop() {
				if _, err := f.Apply(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
