package field_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const anything = `{"s":"x\"y","arr":[1,"two",{"k":"v"},null,true,2.5],"obj":{"b": [1, 2] , "a":1},"n":5,"f":1.50,"nul":null,"empty":"",
	"a/b":"slash","m~n":"tilde","~1":"both","uni":"caf\u00e9","":"nameless","esc":{"e":"\u003c"}}`

var jsonCases = func() []extractCase {
	at := map[string][]string{
		"/s": texts(`x"y`), "s": texts(`x"y`), "/arr/0": texts("1"), "/arr/1": texts("two"), "/arr/2/k": texts("v"),
		"/arr/3": texts("null"), "/arr/4": texts("true"), "/arr/5": texts("2.5"), "/arr/6": nil, "/arr/-1": nil, "/arr/x": nil,
		"/arr": texts(`[1,"two",{"k":"v"},null,true,2.5]`), "/obj": texts(`{"b":[1,2],"a":1}`), "/obj/b/1": texts("2"),
		"/n": texts("5"), "/f": texts("1.50"), "/nul": texts("null"), "/empty": texts(""), "/none": nil, "/n/x": nil, "/s/0": nil,
		"/a~1b": texts("slash"), "/m~0n": texts("tilde"), "/~01": texts("both"), "/uni": texts("café"), "/": texts("nameless"), "/esc": texts(`{"e":"\u003c"}`),
		"": texts(`{"s":"x\"y","arr":[1,"two",{"k":"v"},null,true,2.5],"obj":{"b":[1,2],"a":1},"n":5,"f":1.50,"nul":null,"empty":"","a/b":"slash","m~n":"tilde","~1":"both","uni":"caf\u00e9","":"nameless","esc":{"e":"\u003c"}}`),
	}
	all := []extractCase{
		{"jevt.value[/]", `{"a":1}`, nil},
		{"json.rawtime", `{"stageTimestamp":"2024-01-02T03:04:05.123456Z"}`, texts("1704164645123456000")},
		{"jevt.rawtime", `{"stageTimestamp":"2024-01-02T04:04:05.123456789+01:00"}`, texts("1704164645123456789")},
		{"json.obj", `{"b":1, "a":[ 2,{}],"s":"\u003c"}`, texts("{\n  \"b\": 1,\n  \"a\": [\n    2,\n    {}\n  ],\n  \"s\": \"\\u003c\"\n}")},
		{"jevt.obj", `{}`, texts("{}")},
	}
	for key, want := range at {
		all = append(all, extractCase{"jevt.value[" + key + "]", anything, want}, extractCase{"json.value[" + key + "]", anything, want})
	}
	return all
}()

func TestJSONFields(t *testing.T) { checkBoth(t, jsonCases) }

func TestJSONFieldsNeedNoAuditID(t *testing.T) {
	for _, c := range jsonCases {
		assert.False(t, strings.Contains(c.event, "auditID"))
	}
}
