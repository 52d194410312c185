package rules_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

func TestDocuments(t *testing.T) {
	a, b := ruleText("a", "ka.verb = x"), ruleText("b", "ka.verb = x")
	for _, c := range []struct {
		name, text string
		rules      int
		msg        string
	}{
		{"nothing", "", 0, ""},
		{"a comment", "# nothing\n", 0, ""},
		{"blanks", " \n\n  \n", 0, ""},
		{"null", "~\n", 0, ""},
		{"an empty sequence", "[]\n", 0, ""},
		{"several documents", "---\n" + a + "---\n---\n" + b + "...\n", 2, ""},
		{"a byte order mark", "\ufeff" + a, 1, ""},
		{"carriage returns", strings.ReplaceAll(a+b, "\n", "\r\n"), 2, ""},
		{"flow style", "[{rule: a, desc: d, output: x, priority: info, source: k8s_audit, condition: ka.verb = x}]", 1, ""},
		{"a mapping", "rule: x\n", 0, "Rules content is not yaml array of objects"},
		{"a text", "rule\n", 0, "Rules content is not yaml"},
		{"a text in the second document", a + "---\nrule\n", 0, "Rules content is not yaml"},
		{"a text for an item", "- rule\n", 0, "Unexpected element type. Each element should be a yaml associative array."},
		{"a list for an item", "- []\n", 0, "Unexpected element type. Each element should be a yaml associative array."},
		{"bad YAML", "- rule: r\n   desc: d\n", 0, "yaml: error at line 2: mapping values are not allowed in this context"},
		{"bad YAML after good", a + "---\n- [\n", 0, "yaml: error at line 3: did not find expected node content"},
		{"a NUL byte", "- \x00\n", 0, "yaml: error: control characters are not allowed"},
		{"not UTF-8", "- \xff\n", 0, "yaml: error: invalid leading UTF-8 octet"},
		{"an alias to nothing", "- *x\n", 0, "yaml: error: unknown anchor 'x' referenced"},
		{"an alias to itself", "- &x [*x]\n", 0, "yaml: error at line 1: aliases refer to themselves or expand to too many nodes"},
		{"deep nesting", strings.Repeat("[", 11000), 0, "yaml: error: exceeded max depth of 10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, results := load(t, false, c.text)
			if c.msg != "" {
				require.Nil(t, rs)
				assert.Equal(t, c.msg, results[0].Errors[0].Message)
				return
			}
			require.NotNil(t, rs, results[0].Text())
			assert.Len(t, rs.Rules, c.rules)
		})
	}
}

func TestAliases(t *testing.T) {
	r := one(t, "- {list: l, items: &i [a, b]}\n- {list: m, items: *i}\n- &r {rule: r, desc: d, output: x, priority: info, source: k8s_audit, condition: ka.verb in (m)}\n- *r\n")
	assert.Equal(t, "ka.verb in (a, b)", r.Condition.String())

	laughs := "- &a0 [x]\n"
	for _, pair := range []string{"0 1", "1 2", "2 3", "3 4", "4 5", "5 6", "6 7", "7 8", "8 9"} {
		from, to, _ := strings.Cut(pair, " ")
		laughs += "- &a" + to + " [" + strings.Repeat("*a"+from+", ", 9) + "*a" + from + "]\n"
	}
	d := onlyError(t, laughs)
	assert.Equal(t, rules.ErrYAMLParse, d.Code)
	assert.Contains(t, d.Message, "expand to too many nodes")
}

func TestDuplicateKeys(t *testing.T) {
	r := one(t, "- {rule: a, rule: b, desc: d, output: x, priority: info, source: k8s_audit, condition: ka.verb = x, condition: ka.verb = y, 'condition': ka.verb = z}\n")
	assert.Equal(t, "a", r.Name)
	assert.Equal(t, "ka.verb = x", r.ConditionText)
}

func TestBooleans(t *testing.T) {
	for text, want := range map[string]bool{
		"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true, "true": true, "True": true, "TRUE": true,
		"'true'": true, `"on"`: true, "!!str y": true, "|-\n    yes": true,
		"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false, "false": false, "False": false, "FALSE": false,
	} {
		r := one(t, first+"  enabled: "+text+"\n")
		assert.Equal(t, want, r.Enabled, text)
	}
	for _, text := range []string{"0", "1", "yEs", "tRUE", "oN", "t", "'true '", "enabled", "[true]", "{}"} {
		onlyError(t, first+"  enabled: "+text+"\n")
	}
}

func TestNumbers(t *testing.T) {
	for text, ok := range map[string]bool{
		"0": true, "100": true, "0x1f": true, "010": true, "+5": true, "'7 '": true, "4294967295": true,
		"-1": false, "1.5": false, "08": false, "4294967296": false, "x": false, "' 7'": false, "1_000": false, "0x": false,
	} {
		rs, results := load(t, false, first+"  capture_duration: "+text+"\n")
		assert.Equal(t, ok, rs != nil, "%s: %s", text, results[0].Text())
	}
}

// A text is a text whatever it looks like; only the plain null words are null.
func TestTexts(t *testing.T) {
	for text, want := range map[string]string{
		"0x1F": "0x1F", "yes": "yes", "2020-01-01": "2020-01-01", "1.50": "1.50", "'null'": "null", `"~"`: "~", "!!str null": "null", "!custom x": "x",
		"nUll": "nUll", "=": "=", "<<": "<<",
	} {
		assert.Equal(t, want, one(t, strings.Replace(first, "first", text, 1)).Desc, text)
	}
	for _, text := range []string{"~", "null", "Null", "NULL", ""} {
		d := onlyError(t, strings.Replace(first, "first", text, 1))
		assert.Equal(t, "Mapping for key 'desc' is empty", d.Message)
	}
	rs, _ := load(t, false, list("l", "a, ~"))
	assert.Nil(t, rs, "a null among the items")
}

func TestUnreadableFile(t *testing.T) {
	rs, results := rules.Load([]rules.File{{Name: "x.yaml", Err: errors.New("open x.yaml: no such file")}}, rules.Options{Catalogue: auditFields{}})
	require.Nil(t, rs)
	d := results[0].Errors[0]
	assert.Equal(t, rules.ErrFileRead, d.Code)
	assert.Equal(t, "x.yaml:1:1: LOAD_ERR_FILE_READ (File read error): open x.yaml: no such file", d.String())
	assert.EqualError(t, results[0].Err(), "rules: "+d.String())
}

func TestNoFiles(t *testing.T) {
	rs, results := rules.Load(nil, rules.Options{Catalogue: auditFields{}})
	require.NotNil(t, rs)
	assert.Empty(t, rs.Rules)
	assert.Empty(t, results)
	assert.Equal(t, `{"falco_load_results":[]}`, string(rules.JSON(results)))
}

func TestRequirements(t *testing.T) {
	for _, c := range []struct{ name, text, code, msg string }{
		{"engine, a number", "- required_engine_version: 15", "", ""},
		{"engine, a number in quotes", "- required_engine_version: '0x10'", "", ""},
		{"engine, a version", "- required_engine_version: 0.62.0", "", ""},
		{"engine, a version with a suffix", "- required_engine_version: 0.26.0-rc1", "", ""},
		{"engine too new", "- required_engine_version: 63", rules.ErrValidate, "Rules require engine version 0.63.0, but engine version is 0.62.0"},
		{"engine a patch too new", "- required_engine_version: 0.62.1", rules.ErrValidate, "Rules require engine version 0.62.1, but engine version is 0.62.0"},
		{"engine of another major", "- required_engine_version: 1.0.0", rules.ErrValidate, "Rules require engine version 1.0.0, but engine version is 0.62.0"},
		{"engine no version", "- required_engine_version: 0.5", rules.ErrYAMLValidate, `Unable to parse engine version '0.5' as a semver string. Expected "x.y.z" semver format.`},
		{"engine null", "- required_engine_version:", rules.ErrYAMLValidate, "Mapping for key 'required_engine_version' is empty"},
		{"k8saudit", "- required_plugin_versions: [{name: k8saudit, version: 0.18.0}, {name: json, version: 0.7.4}]", "", ""},
		{"variants", "- required_plugin_versions: [{name: k8saudit-gke, version: 0.9.0}, {name: k8saudit-eks, version: 0.12.0}, {name: k8saudit-aks, version: 0.6.0}, {name: k8saudit-ovh, version: 0.6.0}]", "", ""},
		{"an alternative", "- required_plugin_versions: [{name: nosuch, version: 1.0.0, alternatives: [{name: k8saudit, version: 0.7.0}]}]", "", ""},
		{"an alternative where the first is too old", "- required_plugin_versions: [{name: json, version: 0.8.0, alternatives: [{name: k8saudit, version: 0.7.0}]}]", "", ""},
		{"none of them", "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: b, version: 2.0.0}]}]", rules.ErrValidate,
			"Plugin requirement not satisfied, must load one of: a (>= 1.0.0), b (>= 2.0.0)"},
		{"too old", "- required_plugin_versions: [{name: json, version: 0.7.5}]", rules.ErrValidate,
			"Plugin 'json' version '0.7.4' is not compatible with required plugin version '0.7.5'"},
		{"not a sequence", "- required_plugin_versions: {name: x}", rules.ErrYAMLValidate, "Value of required_plugin_versions must be a sequence"},
		{"null", "- required_plugin_versions:", rules.ErrYAMLValidate, "Value of required_plugin_versions must be a sequence"},
		{"not a mapping", "- required_plugin_versions: [x]", rules.ErrYAMLValidate, "Plugin version must be a mapping"},
		{"no name", "- required_plugin_versions: [{version: 0.1.0}]", rules.ErrYAMLValidate, "Item has no mapping for key 'name'"},
		{"no version", "- required_plugin_versions: [{name: json}]", rules.ErrYAMLValidate, "Item has no mapping for key 'version'"},
		{"not a version", "- required_plugin_versions: [{name: json, version: 1}]", rules.ErrValidate, "Invalid required version '1' for plugin 'json'"},
		{"alternatives not a sequence", "- required_plugin_versions: [{name: json, version: 0.1.0, alternatives: x}]", rules.ErrYAMLValidate, "Value of plugin version alternatives must be a sequence"},
		{"alternative not a mapping", "- required_plugin_versions: [{name: json, version: 0.1.0, alternatives: [x]}]", rules.ErrYAMLValidate, "Plugin version alternative must be a mapping"},
		{"twice", "- required_plugin_versions: [{name: json, version: 0.1.0, alternatives: [{name: json, version: 0.2.0}]}]", rules.ErrValidate,
			"Defined multiple alternative version requirements for plugin 'json'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.msg == "" {
				_, results := load(t, false, c.text)
				assert.Empty(t, results[0].Errors)
				return
			}
			d := onlyError(t, c.text)
			assert.Equal(t, c.code, d.Code)
			assert.Equal(t, c.msg, d.Message)
		})
	}
}
