// Package mutate changes objects before they are stored, by a file that says what is to be
// changed where: a request's object goes in, a JSON patch (RFC 6902) comes out.
//
// # The file
//
//	mutate:
//	  - name: no tokens                     # in events and metrics; each once
//	    condition: not kw.pod.service_account startswith operator-   # as in rules, with their macros and lists
//	    clusters: [prod, "eu-*"]            # where it holds, as package scope says; none: everywhere
//	    namespaces: [shop]
//	    automount_service_account_token: false
//	  - name: cost
//	    labels: {add: {geo: eu}, overwrite: {billing: shop}}
//	  - name: mesh
//	    namespaces: ["mesh-*"]
//	    containers:
//	      - {name: proxy, image: registry.example.com/proxy:2}
//	  - name: mirror
//	    images:
//	      - {from: docker.io, to: mirror.example.com/hub}
//
// An entry is carried out where its condition holds and the request is in its scope. Its
// actions:
//
//	labels, annotations              of the object: {add: where there is none of the name, overwrite: whatever is there}
//	pod_labels, pod_annotations      the same of a pod, or of the template of a workload
//	containers, init_containers      put in as they stand, behind the others (containers) or before them
//	                                 (init_containers), where no container of the pod has the name
//	volumes                          the same, by name
//	volume_mounts                    {containers: names or patterns, none: all; add: mounts}, where the pod has the volume
//	                                 and the container, be it an init container, has nothing at the mountPath
//	env                              {containers: the same; add: variables}, where the container has none of the
//	                                 name; {overwrite: variables with a plain value}, whatever is there
//	pod_security_context             members that the pod's does not have
//	container_security_context       members that neither the container's nor the pod's has
//	automount_service_account_token  false, where it is not set
//	images                           a list; the first {from, to} that fits puts to in the place of from
//
// From and to are a registry with as much of a path as you like; whole segments are compared,
// of the image's full name: nginx is docker.io/library/nginx. Tag and digest stay.
//
// Unknown keys, also of containers and security contexts, keys that are there twice, and
// what an API server would refuse in every object are errors, with file, line and column.
//
// # What is changed
//
// Pods, and the templates of Deployments, DaemonSets, StatefulSets, ReplicaSets, Jobs,
// CronJobs and ReplicationControllers; labels and annotations of every object. All in all
// what is there stays, unless the file says overwrite, or images. Left alone is what would
// be refused, or would start something that nobody asked for:
//
//   - what is being deleted, mirrors of static pods, and subresources but for ephemeralcontainers, whose images are changed
//   - the template of an object that another controls: its owner compares, and would make it again and again. Its pods are changed
//   - a template that an update leaves as it is, or all its pods would be replaced
//   - of pods that exist all but labels, annotations, and images that the update changes
//   - labels that a selector asks for; of what a controller owns, labels that are there
//   - security contexts of pods for Windows; members that contradict what the context says already
//
// Entries are carried out one after the other, again and again until nothing changes any
// more. So what comes out is left as it is when it comes in again, by whatever conditions.
// What does not come to rest, or is too large, is left as it was, with an error.
//
// Who is asked and what is told of it, stays outside.
package mutate
