package rig

import (
	"path/filepath"
	"strconv"
)

func loopback(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// etcdFlags is a member on its own that does not outlive the test, so it need not
// wait for the disk.
func (c *Cluster) etcdFlags() []string {
	client, peer := loopback(c.ports.etcd), loopback(c.ports.peer)
	return []string{
		"--name=rig",
		"--data-dir=" + filepath.Join(c.Dir, "etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=rig=" + peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func (c *Cluster) apiFlags() []string {
	flags := []string{
		"--etcd-servers=" + loopback(c.ports.etcd),
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.ports.api), "--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // nothing in the cluster needs the service kubernetes
		"--service-cluster-ip-range=10.96.0.0/16",
		"--tls-cert-file=" + c.keys.server.CertFile, "--tls-private-key-file=" + c.keys.server.KeyFile,
		"--client-ca-file=" + c.CA,
		"--kubelet-client-certificate=" + c.keys.kubelet.CertFile, "--kubelet-client-key=" + c.keys.kubelet.KeyFile,
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file=" + c.keys.tokens, "--service-account-key-file=" + c.keys.tokensPublic,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--shutdown-watch-termination-grace-period=5s", // without it, watches keep the server for a minute
	}
	if !c.opts.NoAudit {
		flags = append(flags, "--audit-policy-file="+c.opts.Policy, "--audit-log-path="+c.AuditLog)
	}
	if c.opts.Webhook != "" {
		flags = append(flags, "--audit-webhook-config-file="+c.opts.Webhook)
	}
	return append(flags, c.opts.Flags...)
}

func (c *Cluster) managerFlags(kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig, "--secure-port=0", "--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.keys.tokens,
		"--root-ca-file=" + c.CA,
		"--cluster-signing-cert-file=" + c.CA, "--cluster-signing-key-file=" + filepath.Join(c.Dir, "ca.key"),
	}
}
