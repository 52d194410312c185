package config

import "strconv"

// Namespaces say how the labels of a cluster's namespaces are read.
type Namespaces struct {
	Cluster    string `mapstructure:"cluster" doc:"Name of the cluster."`
	Kubeconfig string `mapstructure:"kubeconfig" doc:"Kubeconfig file of who may get, list and watch namespaces there. Empty: the pod's service account."`
	Context    string `mapstructure:"context" doc:"Context in the file. Empty: the current one."`
}

func (j *judge) namespaces() {
	seen := map[string]bool{}
	for i, n := range j.Admission.Namespaces {
		key := "admission.namespaces[" + strconv.Itoa(i) + "].cluster"
		switch {
		case n.Cluster == "":
			j.refuse(key, "is empty; name the cluster whose namespaces are read")
		case seen[n.Cluster]:
			j.refuse(key, "%q is there twice; take one away", n.Cluster)
		default:
			j.known(key, n.Cluster)
		}
		seen[n.Cluster] = true
	}
}
