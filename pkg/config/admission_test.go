package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdmissionProblems(t *testing.T) {
	const tls = "  tls: {cert_file: /c, key_file: /k}\n"
	const clusters = "clusters: [{name: prod}]\n"
	const listen = "admission:\n  listen: 0.0.0.0:9444\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"certificates", clusters + listen + "  tls: {cert_file: /c, key_file: /k, client_ca_file: /a}\n  credentials: [{name: api, certificate_name: apiserver, clusters: [prod]}]\n", nil},
		{"anybody", clusters + listen + tls + "  unauthenticated: true\n", nil},
		{"a trial", "admission: {listen: '127.0.0.1:9444', insecure: true, default_cluster: prod}\n", nil},
		{"a dry run of mutations", "admission: {listen: '127.0.0.1:9444', insecure: true, default_cluster: prod, mutate: m.yaml, dry_run: true}\n", nil},
		{"no TLS", clusters + listen, []string{"admission.tls.cert_file: is empty; name the files of a certificate and its key: API servers send by TLS only"}},
		{"nobody", clusters + listen + tls, []string{"admission.credentials: are empty: nobody could send; list who may send for which clusters, or set admission.unauthenticated"}},
		{"no clusters", listen + tls + "  unauthenticated: true\n", []string{"clusters: is empty: reviews of no cluster would be taken; list those that may send"}},
		{"a trial in public", listen + "  insecure: true\n", []string{`k.yaml:2: admission.listen: "0.0.0.0:9444" can be reached by others, which admission.insecure forbids; write 127.0.0.1 as the host, or set up TLS instead`}},
		{"a trial with TLS", "admission:\n  listen: 127.0.0.1:9444\n  insecure: true\n" + tls, []string{"k.yaml:4: admission.tls: is not used with admission.insecure; take one of both away"}},
		{"anybody with a token", clusters + listen + tls + "  unauthenticated: true\n  credentials: [{name: t, token_file: /t, clusters: [prod]}]\n",
			[]string{"k.yaml:6: admission.credentials: are not asked for with admission.insecure or admission.unauthenticated; take one of both away"}},
		{"credentials that cannot be used", clusters + listen + tls + "  credentials: [{name: A}, {name: b, certificate_name: x, clusters: [lab]}]\n", []string{
			`k.yaml:5: admission.credentials[0].name: "A" is no name of a credential; write lower-case letters, digits, - and . (not at the ends), 63 at most`,
			"k.yaml:5: admission.credentials[0]: has 0 of token_file, certificate_name and path_secret_file; set exactly one",
			"k.yaml:5: admission.credentials[0].clusters: is empty; list the clusters that may be sent for, or * for all that are listed",
			"k.yaml:5: admission.credentials[1].certificate_name: needs admission.tls.client_ca_file; name the file of the authorities that sign certificates of clients",
			`k.yaml:5: admission.credentials[1].clusters[0]: "lab" is not under clusters; add it there, or name one of them: "prod"`,
		}},
		{"the webhook's address", "webhook: {listen: '127.0.0.1:1', insecure: true}\nadmission: {listen: '127.0.0.1:1', insecure: true}\n",
			[]string{`k.yaml:2: admission.listen: "127.0.0.1:1" is webhook.listen too; write another port`}},
		{"labels of namespaces", "clusters: [{name: prod}]\nadmission: {listen: '127.0.0.1:9444', insecure: true, namespaces: [{cluster: prod, kubeconfig: k}]}\n", nil},
		{"labels of which namespaces", "clusters: [{name: prod}]\nadmission: {listen: '127.0.0.1:9444', insecure: true, namespaces: [{cluster: lab}, {kubeconfig: k}, {cluster: prod}, {cluster: prod}]}\n", []string{
			`k.yaml:2: admission.namespaces[0].cluster: "lab" is not under clusters; add it there, or name one of them: "prod"`,
			"k.yaml:2: admission.namespaces[1].cluster: is empty; name the cluster whose namespaces are read",
			`k.yaml:2: admission.namespaces[3].cluster: "prod" is there twice; take one away`,
		}},
		{"a dry run of nothing", "admission: {listen: '127.0.0.1:9444', insecure: true, dry_run: true, deadline: 0s}\n", []string{
			"k.yaml:1: admission.deadline: 0s is too little; write 1ms or more",
			"k.yaml:1: admission.dry_run: means nothing without admission.enforcement or admission.mutate; name a file",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := loadText(t, tt.text)
			require.NoError(t, err)
			if tt.want == nil {
				assert.NoError(t, l.Validate())
				return
			}
			assert.Equal(t, tt.want, lines(t, l.Validate()))
		})
	}
}
