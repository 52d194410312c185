// Package install puts into a cluster what makes its API servers ask kubewitness, looks whether
// it stands, renews its certificate, and takes it away again.
//
// What runs kubewitness is not its matter: that is applied from deploy/. Its own objects, each with
// the labels of [Labels]:
//
//	Secret kubewitness-admission-path  the last segment of the path that reviews are sent to
//	Secret kubewitness-admission-tls   certificate, key and authorities; see below
//	Service kubewitness-admission      where API servers send to; pods that are not ready get nothing
//	ValidatingWebhookConfiguration kubewitness, and MutatingWebhookConfiguration kubewitness
//	Issuer, Certificate                of cert-manager, where that makes the certificates
//
// # Order
//
// Nothing is asked before something answers: webhooks are written last, when the Service has an
// endpoint that is ready, and deleted first. Who is killed at any step leaves no webhook that
// points nowhere, and another run goes on from there.
//
// # Renewing
//
// The state is in the Secret: tls.crt and tls.key are what is served, ca.crt is what API servers
// are to trust, next.crt and next.key wait for their turn, and the annotation
// admission.kubewitness.io/changed says when the last step was. A step is taken when the one
// before is old enough that every API server and every mounted Secret has it:
//
//	introduce  a new authority with its certificate (next); ca.crt and the webhooks trust both
//	promote    next becomes what is served
//	prune      ca.crt and the webhooks trust the new authority alone
//
// Before each step the webhooks are made to trust what ca.crt has. At no time does a server show
// what a webhook does not trust.
//
// How the API server is spoken to, and how certificates are made, is in packages kube and
// authority. Who started it with which flags stays outside.
package install
