package redact

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// canary is the beginning of every secret in the tables.
const canary = "canary"

func redactor(t testing.TB) *Redactor {
	t.Helper()
	r, err := New(Config{})
	require.NoError(t, err)
	return r
}

// request is an event about a resource with a request body.
func request(resource, body string) string {
	return `{"kind":"Event","stage":"ResponseComplete","requestURI":"/x","objectRef":{"resource":"` + resource + `"},"requestObject":` + body + `}`
}

func uri(s string) string {
	quoted, _ := json.Marshal(s)
	return `{"kind":"Event","requestURI":` + string(quoted) + `}`
}

// quote writes a text as a JSON string.
func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// rewritten holds what must be true of every event and returns the outcome.
func rewritten(t testing.TB, r *Redactor, raw string) (string, []string) {
	t.Helper()
	out, paths := rewrittenOnce(t, r, raw)
	again, pathsAgain, changed := r.Event(&audit.Event{Raw: []byte(out)})
	require.Equal(t, out, string(again), "redacted twice")
	require.False(t, changed, "redacted twice")
	require.Equal(t, paths, pathsAgain, "redacted twice")
	return out, paths
}

// rewrittenOnce is rewritten for texts made to confuse: what is found by its
// looks can look different with a mark in it, so a second pass may find more.
// It must only take away.
func rewrittenOnce(t testing.TB, r *Redactor, raw string) (string, []string) {
	t.Helper()
	out, paths, changed := r.Event(&audit.Event{Raw: []byte(raw)})
	require.Equal(t, changed, string(out) != raw, "changed")
	before, err := audit.ParseValue([]byte(raw))
	require.NoError(t, err)
	after, err := audit.ParseValue(out)
	require.NoError(t, err, "%s", out)
	sameShape(t, "", before, after)
	again, _, _ := r.Event(&audit.Event{Raw: out})
	onlyTakesAway(t, string(out), string(again))
	return string(out), paths
}

// onlyTakesAway asks that after differs from before only by marks in place of
// something.
func onlyTakesAway(t testing.TB, before, after string) {
	t.Helper()
	rest := strings.ReplaceAll(before, Marker, "")
	for _, c := range []byte(strings.ReplaceAll(after, Marker, "")) {
		i := strings.IndexByte(rest, c)
		require.GreaterOrEqual(t, i, 0, "%q became %q", before, after)
		rest = rest[i+1:]
	}
}

// sameShape asks for the same keys in the same order, and the same kinds.
func sameShape(t testing.TB, at string, a, b audit.Value) {
	t.Helper()
	require.Equal(t, a.Kind(), b.Kind(), at)
	require.Equal(t, a.Len(), b.Len(), at)
	var keys []string
	for k := range a.Members() {
		keys = append(keys, k)
	}
	i := 0
	var values []audit.Value
	for k, v := range b.Members() {
		require.Equal(t, keys[i], k, at)
		values = append(values, v)
		i++
	}
	i = 0
	for k, v := range a.Members() {
		sameShape(t, at+"/"+k, v, values[i])
		i++
	}
	values = values[:0]
	for v := range b.Elems() {
		values = append(values, v)
	}
	i = 0
	for v := range a.Elems() {
		sameShape(t, at+"/-", v, values[i])
		i++
	}
}

const jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImNhbmFyeSJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"

const pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\nabc\n-----END RSA PRIVATE KEY-----"

type row struct {
	name  string
	event string
	paths []string
	keeps []string // texts that must stay
}

func (c row) check(t *testing.T, r *Redactor) {
	t.Run(c.name, func(t *testing.T) {
		out, paths := rewritten(t, r, c.event)
		for _, secret := range []string{canary, "eyJ", "MIIE", "4711"} {
			assert.NotContains(t, out, secret)
		}
		assert.Equal(t, c.paths, paths, "%s", out)
		for _, k := range c.keeps {
			assert.Contains(t, out, k)
		}
	})
}

func TestSecrets(t *testing.T) {
	r := redactor(t)
	apply := `{"apiVersion":"v1","kind":"Secret","data":{"a":"canary1"},"stringData":{"b":"canary2"},"metadata":{"annotations":{},"name":"keep"}}`
	lastApplied := "/requestObject/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"
	for _, c := range []row{
		{"a Secret", request("secrets", `{"kind":"Secret","metadata":{"name":"keep"},"data":{"a":"canary","b":"canary"},"stringData":{"c":"canary"},"type":"Opaque"}`),
			[]string{"/requestObject/data/a", "/requestObject/data/b", "/requestObject/stringData/c"}, []string{`"keep"`, `"Opaque"`}},
		{"data before kind, another resource", request("widgets", `{"data":{"a":"canary"},"kind":"Secret"}`), []string{"/requestObject/data/a"}, nil},
		{"bootstrap token", request("secrets", `{"kind":"Secret","type":"bootstrap.kubernetes.io/token","stringData":{"token-id":"canary","token-secret":"canary"}}`),
			[]string{"/requestObject/stringData/token-id", "/requestObject/stringData/token-secret"}, []string{"bootstrap.kubernetes.io/token"}},
		{"a SecretList, items without a kind", request("widgets", `{"kind":"SecretList","items":[{"metadata":{"name":"keep"},"data":{"a":"canary"}},{"data":{"a/b~c":"canary"}}]}`),
			[]string{"/requestObject/items/0/data/a", "/requestObject/items/1/data/a~1b~0c"}, []string{"keep"}},
		{"a Secret in a List", request("pods", `{"kind":"List","items":[{"kind":"ConfigMap","data":{"a":"keep"}},{"kind":"Secret","data":{"a":"canary"}}]}`),
			[]string{"/requestObject/items/1/data/a"}, []string{"keep"}},
		{"a Table of whole objects", request("secrets", `{"kind":"Table","rows":[{"cells":["keep",1],"object":{"kind":"Secret","data":{"a":"canary"}}}]}`),
			[]string{"/requestObject/rows/0/object/data/a"}, []string{"keep"}},
		{"a merge patch", request("secrets", `{"data":{"a":"canary","b":null}}`), []string{"/requestObject/data/a"}, []string{`"b":null`}},
		{"without objectRef", `{"kind":"Event","requestURI":"/api/v1/namespaces/n/secrets/s?x=1","requestObject":{"data":{"a":"canary"}}}`, []string{"/requestObject/data/a"}, nil},
		{"odd types", request("secrets", `{"data":"canary"}`), []string{"/requestObject/data"}, nil},
		{"odd types, array", request("secrets", `{"data":["canary",4711,true,null,{"a":"canary"}]}`),
			[]string{"/requestObject/data/0", "/requestObject/data/1", "/requestObject/data/2", "/requestObject/data/4/a"}, []string{"null"}},
		{"nothing to hide", request("secrets", `{"kind":"Secret","data":null,"stringData":{"a":""}}`), nil, []string{`"a":""`}},
		{"equal keys", request("widgets", `{"kind":"Secret","kind":"ConfigMap","data":{"a":"canary"},"data":{"a":"canary2"}}`), []string{"/requestObject/data/a"}, nil},
		{"escaped keys", request("widgets", `{"k\u0069nd":"S\u0065cret","d\u0061ta":{"\u0061":"\u0063anary"}}`), []string{"/requestObject/data/a"}, nil},
		{"escaped resource", `{"objectRef":{"resource":"\u0073ecrets"},"requestObject":{"data":{"a":"canary"}}}`, []string{"/requestObject/data/a"}, nil},
		{"case and spaces", request("Secrets ", `{" Kind":" secret ","DATA ":{"a":"canary"}}`), []string{"/requestObject/DATA /a"}, nil},
		{"white space between tokens", request("secrets", "{ \"data\" :\n\t{ \"a\" : \"canary\" } }"), []string{"/requestObject/data/a"}, []string{"{ \"data\" :\n\t{ \"a\" : \"" + Marker + "\" } }"}},
		{"stringData of no kind", request("sealedthings", `{"spec":{"template":{"stringData":{"a":"canary"}}}}`), []string{"/requestObject/spec/template/stringData/a"}, nil},
		{"last applied", request("secrets", `{"kind":"Secret","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":`+quote(apply+"\n")+`}}}`),
			[]string{lastApplied}, []string{`\"name\":\"keep\"`, `\"data\":{\"a\":\"` + Marker + `\"}`}},
		{"last applied without a kind", request("secrets", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"\\u0063anary\"}}"}}}`), []string{lastApplied}, nil},
		{"last applied, cut", request("secrets", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"canary"}}}`), []string{lastApplied}, nil},
		{"a copy in a copy", request("widgets", `{"spec":{"raw":`+quote(`{"x":`+quote(apply)+`}`)+`}}`), []string{"/requestObject/spec/raw"}, []string{"keep"}},
		{"a compressed copy", request("secrets", `{"metadata":{"annotations":{"objectset.rio.cattle.io/applied":"H4sIcanary"}}}`),
			[]string{"/requestObject/metadata/annotations/objectset.rio.cattle.io~1applied"}, nil},
		{"YAML in a ConfigMap", request("configmaps", `{"kind":"ConfigMap","data":{"a.yaml":"apiVersion: v1\nkind: Secret\ndata:\n  x: canary\n"}}`), []string{"/requestObject/data/a.yaml"}, nil},
		{"JSON in a message", request("events", `{"message":"failed: {\"kind\":\"Secret\",\"data\":{\"x\":\"canary\"}} (retry)"}`), []string{"/requestObject/message"}, nil},
		{"deep text", request("widgets", `{"raw":`+quote(strings.Repeat("[", maxDepth+5)+`{"kind":"Secret","data":{"a":"canary"}}`+strings.Repeat("]", maxDepth+5))+`}`), []string{"/requestObject/raw"}, nil},
	} {
		c.check(t, r)
	}
}

func TestOtherObjects(t *testing.T) {
	r := redactor(t)
	container := `{"name":"c","env":[{"name":"LOG","value":"keep"},{"name":"DB_PASSWORD","value":"canary"},{"value":"canary","name":"api_TOKEN "},{"name":"TOKEN_FILE","value":"/keep2"},{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"keep3","key":"password"}}}]}`
	for _, c := range []row{
		{"TokenRequest", request("serviceaccounts", `{"kind":"TokenRequest","spec":{"audiences":["keep"]},"status":{"token":"canary","expirationTimestamp":"keep"}}`), []string{"/requestObject/status/token"}, []string{"keep"}},
		{"TokenReview", request("tokenreviews", `{"kind":"TokenReview","spec":{"token":"canary"}}`), []string{"/requestObject/spec/token"}, nil},
		{"ConfigMap", request("configmaps", `{"kind":"ConfigMap","data":{"log":"keep","db.Password":"canary","app.properties":"user=keep\npassword=canary\nurl=jdbc://keep","secretName":"keep4"},"binaryData":{"tls.key":"canary"}}`),
			[]string{"/requestObject/data/db.Password", "/requestObject/data/app.properties", "/requestObject/binaryData/tls.key"}, []string{"user=keep", "jdbc://keep", "keep4"}},
		{"Helm release in a ConfigMap", request("configmaps", `{"kind":"ConfigMap","data":{"release":"H4sIcanary"}}`), []string{"/requestObject/data/release"}, nil},
		{"containers", request("pods", `{"kind":"Pod","spec":{"containers":[`+container+`],"initContainers":[`+container+`],"ephemeralContainers":[`+container+`]}}`),
			[]string{"/requestObject/spec/containers/0/env/1/value", "/requestObject/spec/containers/0/env/2/value",
				"/requestObject/spec/initContainers/0/env/1/value", "/requestObject/spec/initContainers/0/env/2/value",
				"/requestObject/spec/ephemeralContainers/0/env/1/value", "/requestObject/spec/ephemeralContainers/0/env/2/value"}, []string{"keep", "/keep2", "keep3"}},
		{"a template, odd values", request("deployments", `{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"PASSWORD","value":4711},{"name":"X_TOKEN","value":["canary"]}]}]}}}}`),
			[]string{"/requestObject/spec/template/spec/containers/0/env/0/value", "/requestObject/spec/template/spec/containers/0/env/1/value/0"}, nil},
		{"env as an object", request("widgets", `{"spec":{"env":{"LOG":"keep","DB_PASSWORD":"canary"}}}`), []string{"/requestObject/spec/env/DB_PASSWORD"}, []string{"keep"}},
		{"probe headers", request("pods", `{"httpHeaders":[{"name":"Authorization","value":"canary"},{"name":"Accept","value":"keep"}]}`), []string{"/requestObject/httpHeaders/0/value"}, []string{"keep"}},
		{"arguments", request("pods", `{"args":["--v=2","--password=canary","--token","canary","--auth-token-file=/keep","serve","--api-key","--keep2"],"command":["sh","-c","curl -H 'Authorization: Bearer canary12345' https://keep"]}`),
			[]string{"/requestObject/args/1", "/requestObject/args/3", "/requestObject/command/2"}, []string{"--v=2", "--password=" + Marker, "/keep", "serve", "--keep2", "https://keep"}},
		{"programs' own flags", request("pods", `{"a":{"command":["/usr/bin/mysql","-uroot","-pcanary","keep"]},"b":{"command":["curl","-u","keep:canary","-v"]},"c":{"args":["redis-cli","-a","canary"]},"d":{"args":["tar","-pcarry"]}}`),
			[]string{"/requestObject/a/command/2", "/requestObject/b/command/2", "/requestObject/c/args/2"}, []string{"-uroot", "keep", "-v", "-pcarry"}},
		{"custom resource", request("widgets", `{"spec":{"clientSecret":"canary","token":{"name":"keep"},"password":"canary"}}`), []string{"/requestObject/spec/clientSecret", "/requestObject/spec/password"}, []string{"keep"}},
		{"names that end as a credential's do", request("helmreleases", `{"spec":{"values":{"adminPassword":"canary","auth":{"rootPassword":"canary","passwordSecretKey":"keep","existingSecret":"keep2"},"s3":{"secretKey":"canary","access_key":"canary"},"smtp":{"pass":"canary"},"sshPrivateKey":"canary","slackApiToken":"canary"}}}`),
			[]string{"/requestObject/spec/values/adminPassword", "/requestObject/spec/values/auth/rootPassword", "/requestObject/spec/values/s3/secretKey", "/requestObject/spec/values/s3/access_key",
				"/requestObject/spec/values/smtp/pass", "/requestObject/spec/values/sshPrivateKey", "/requestObject/spec/values/slackApiToken"}, []string{"keep", "keep2"}},
		{"kubeconfig", request("configmaps", `{"data":{"config":"users:\n- name: keep\n  user:\n    token: canary\n    client-key-data: canary2\n- token: canary\nnote: keep2\n"}}`),
			[]string{"/requestObject/data/config"}, []string{"name: keep", "note: keep2"}},
		{"docker configuration", request("configmaps", `{"data":{"config":"{\"auths\":{\"keep\":{\"auth\":\"canary\"}}}"}}`), []string{"/requestObject/data/config"}, []string{"keep"}},
		{"a request to sign stays", request("certificatesigningrequests", `{"kind":"CertificateSigningRequest","spec":{"request":"keep"}}`), nil, []string{"keep"}},
		{"references stay", request("pods", `{"volumes":[{"name":"x","secret":{"secretName":"keep","items":[{"key":"token","path":"keep"}]}}],"imagePullSecrets":[{"name":"keep"}],"automountServiceAccountToken":true}`), nil, []string{"true"}},
	} {
		c.check(t, r)
	}
}

func TestPatches(t *testing.T) {
	r := redactor(t)
	for _, c := range []row{
		{"data", request("secrets", `[{"op":"add","path":"/data/x","value":"canary"},{"op":"test","path":"/data/y","value":"canary"},{"op":"replace","path":"/data","value":{"a":"canary"}},{"op":"add","path":"/metadata/labels/x","value":"keep"}]`),
			[]string{"/requestObject/0/value", "/requestObject/1/value", "/requestObject/2/value/a"}, []string{"keep"}},
		{"stringData, value first", request("widgets", `[{"value":"canary","path":"/stringData/x","op":"add"}]`), []string{"/requestObject/0/value"}, nil},
		{"whole object", request("secrets", `[{"op":"add","path":"","value":{"metadata":{"name":"keep"},"data":{"a":"canary"}}}]`), []string{"/requestObject/0/value/data/a"}, []string{"keep"}},
		{"the annotation", request("secrets", `[{"op":"add","path":"/metadata/annotations","value":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"canary\"}}"}}]`),
			[]string{"/requestObject/0/value/kubectl.kubernetes.io~1last-applied-configuration"}, nil},
		{"a ConfigMap's key", request("configmaps", `[{"op":"add","path":"/data/db-password","value":"canary"},{"op":"add","path":"/data/log","value":"keep"},{"op":"add","path":"/data","value":{"token":"canary","x":"keep2"}}]`),
			[]string{"/requestObject/0/value", "/requestObject/2/value/token"}, []string{"keep", "keep2"}},
		{"env by place", request("deployments", `[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"canary"},{"op":"add","path":"/spec/containers/0/env/-","value":{"name":"DB_PASSWORD","value":"canary"}},{"op":"add","path":"/spec/replicas","value":3}]`),
			[]string{"/requestObject/0/value", "/requestObject/1/value/value"}, []string{"3"}},
		{"escapes, spaces, two paths", request("secrets", `[{"op":"add","path":"\/d\u0061ta\/x","value":"canary"},{"op":"add","path":" /Data /x","value":"canary"},{"path":"/data/x","path":"/metadata/labels","op":"add","value":"canary"}]`),
			[]string{"/requestObject/0/value", "/requestObject/1/value", "/requestObject/2/value"}, nil},
	} {
		c.check(t, r)
	}
}

func TestTexts(t *testing.T) {
	r := redactor(t)
	pem64 := "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFY2FuYXJ5Cg=="
	for in, want := range map[string]string{
		"token " + jwt + " was refused":                           "token " + Marker + " was refused",
		"x=" + pem + "\nrest":                                     "x=" + Marker + "\nrest",
		"client-key-data: " + pem64 + "\nuser: me":                "client-key-data: " + Marker + "\nuser: me",
		"https://me:canary@example.com/x":                         "https://me:" + Marker + "@example.com/x",
		"https://me@example.com/x":                                "https://me@example.com/x",
		"Authorization: Basic Y2FuYXJ5 rest":                      "Authorization: Basic " + Marker + " rest",
		"mysql --password=canary -h db":                           "mysql --password=" + Marker + " -h db",
		"kubeadm join --token abcdef.canary0123 x":                "kubeadm join --token " + Marker + " x",
		"password: canary":                                        "password: " + Marker,
		`{"a": 1, "password": "canary"`:                           `{"a": 1, "password": "` + Marker + `"`,
		`export DB_PASSWORD='can ary' X=1`:                        `export DB_PASSWORD='` + Marker + `' X=1`,
		"push ghp_canary01234567890123456789 x":                   "push " + Marker + " x",
		"see https://hooks.slack.com/services/T01/B02/canary now": "see https://" + Marker + " now",
		"curl -sS -u me:canary -X POST https://x; ls -u a:keep":   "curl -sS -u me:" + Marker + " -X POST https://x; ls -u a:keep",
		"/usr/bin/curl --user 'me:can ary' -uyou:canary x":        "/usr/bin/curl --user 'me:" + Marker + "' -uyou:" + Marker + " x",
		"mysql -u root -pcanary -h db -P 3306 shop":               "mysql -u root -p" + Marker + " -h db -P 3306 shop",
		"mysqldump -p'can ary' x && redis-cli -h y -a canary get": "mysqldump -p'" + Marker + "' x && redis-cli -h y -a " + Marker + " get",
		"sshpass -p canary ssh keep":                              "sshpass -p " + Marker + " ssh keep",
		"curl -u $USER:$TOKEN -u me x":                            "curl -u $USER:$TOKEN -u me x",
		"image mysql:8 -pages; the mysql -p flag":                 "image mysql:8 -pages; the mysql -p flag",
		"ya29.canary_0123456789-abc":                              Marker,
		"a: b\ntoken: canary\n- api-key: canary # x\n":            "a: b\ntoken: " + Marker + "\n- api-key: " + Marker + " # x\n",
		"it failed\ntoken: it has expired\nerror: token: bad\n":   "it failed\ntoken: it has expired\nerror: token: bad\n",
		"invalid bearer token":                                    "invalid bearer token",
		"token: expired":                                          "token: expired",
		"password=$(DB_PASSWORD) password=${X}":                   "password=$(DB_PASSWORD) password=${X}",
		"--token-ttl=5m --tls-private-key-file=/x":                "--token-ttl=5m --tls-private-key-file=/x",
		"system:serviceaccount:external-secrets:external-secrets": "system:serviceaccount:external-secrets:external-secrets",
		"AKIAIOSFODNN7EXAMPLE is an identifier":                   "AKIAIOSFODNN7EXAMPLE is an identifier",
		"-----BEGIN CERTIFICATE-----\nMII\n":                      "-----BEGIN CERTIFICATE-----\nMII\n",
		`secrets "db-password" is forbidden`:                      `secrets "db-password" is forbidden`,
		`{"kind":"Secret","data":{"a":"canary"}}`:                 `{"kind":"Secret","data":{"a":"` + Marker + `"}}`,
	} {
		assert.Equal(t, want, r.Text(in), in)
		assert.Equal(t, want, r.Text(want), "twice: %s", in)
		// the same text as a value in an event, and once more in a string of JSON
		raw := request("events", `{"message":`+quote(in)+`,"raw":`+quote(`{"x":`+quote(in)+`}`)+`}`)
		out, paths := rewritten(t, r, raw)
		assert.Equal(t, in != want, len(paths) == 2, in)
		assert.NotContains(t, out, "canary")
	}
}

func TestURI(t *testing.T) {
	r := redactor(t)
	for in, want := range map[string]string{
		"/api/v1/pods?limit=5&token=canary&x=1":                           "/api/v1/pods?limit=5&token=" + Marker + "&x=1",
		"/api?%74oken=canary&access_token=c%20anary":                      "/api?%74oken=" + Marker + "&access_token=" + Marker,
		"/api?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEi&token=":               "/api?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEi&token=",
		"/exec?command=mysql&command=--password%3Dcanary&stdin=true":      "/exec?command=mysql&command=--password%3D" + Marker + "&stdin=true",
		"/exec?command=x&command=--token&command=canary&command=-v":       "/exec?command=x&command=--token&command=" + Marker + "&command=-v",
		"/exec?command=curl+-H+%22Authorization%3A+Bearer+" + jwt + "%22": "/exec?command=curl+-H+%22Authorization%3A+Bearer+" + Marker + "%22",
		"/exec?command=" + strings.ReplaceAll(jwt, ".", "%2E"):            "/exec?command=" + Marker,
		"/exec?command=mysql&command=-uroot&command=-pcanary&command=-h":  "/exec?command=mysql&command=-uroot&command=-p" + Marker + "&command=-h",
		"/exec?command=%2Fbin%2Fcurl&command=-u&command=me%3Acanary&c=x":  "/exec?command=%2Fbin%2Fcurl&command=-u&command=me%3A" + Marker + "&c=x",
		"/exec?command=sh&command=-c&command=mysql+-pcanary+x":            "/exec?command=sh&command=-c&command=mysql+-p" + Marker + "+x",
		"/exec?command=ps&command=-pages&container=mysql-0":               "/exec?command=ps&command=-pages&container=mysql-0",
		"/proxy/https:%2F%2Fme:canary@x/y":                                "/proxy/https:%2F%2Fme:" + Marker + "@x/y",
		"/blob?sig=canary&token=a;b":                                      "/blob?sig=" + Marker + "&token=" + Marker,
		"/api/v1/secrets?labelSelector=a%3Db%2Cc%21%3Dd":                  "/api/v1/secrets?labelSelector=a%3Db%2Cc%21%3Dd",
	} {
		out, paths := rewritten(t, r, uri(in))
		v, err := audit.ParseValue([]byte(out))
		require.NoError(t, err)
		assert.Equal(t, want, v.Get("requestURI").Text(), in)
		if in != want {
			assert.Equal(t, []string{"/requestURI"}, paths)
		}
	}
}
