package audit

func whereOf(root Value, w *What) Where {
	ref := root.Get("objectRef")
	asked, answered := root.Get("requestObject"), objectIn(root.Get("responseObject"))
	p := Where{
		Namespace: str(ref.Get("namespace")),
		UID:       str(ref.Get("uid")),
		Images:    imagesOf(w, asked, answered),
		Container: containerOf(w, root, asked),
	}
	if p.UID == "" {
		p.UID = str(answered.Path("metadata", "uid"))
	}
	if w.Resource == "namespaces" && w.APIGroup == "" && p.Namespace == "" {
		p.Namespace = w.Name
	}
	p.Node = nodeOf(w, asked, answered)
	p.Object = objectOf(w, p.Namespace)
	return p
}

// objectOf is resource[.group]/[namespace/]name; without the name for requests about many or nameless objects.
func objectOf(w *What, namespace string) string {
	if w.Resource == "" {
		return ""
	}
	s := w.Resource
	if w.APIGroup != "" {
		s += "." + w.APIGroup
	}
	if namespace != "" && !(w.Resource == "namespaces" && w.APIGroup == "") {
		s += "/" + namespace
	}
	if w.Name != "" {
		s += "/" + w.Name
	}
	return s
}

func nodeOf(w *What, asked, answered Value) string {
	if w.APIGroup != "" {
		return ""
	}
	switch {
	case w.Resource == "nodes":
		return w.Name
	case w.Action == ActionBind:
		return str(asked.Path("target", "name"))
	case w.Resource != "pods" || w.Subresource != "" && w.Subresource != "ephemeralcontainers" && w.Subresource != "status":
		return ""
	}
	if node := str(answered.Path("spec", "nodeName")); node != "" {
		return node
	}
	return str(asked.Path("spec", "nodeName"))
}

func containerOf(w *What, root, asked Value) string {
	switch w.Action {
	case ActionExec, ActionAttach, ActionReadLog:
		return parseURI(str(root.Get("requestURI"))).query.Get("container")
	case ActionDebug:
		if added := ephemeralIn(asked); len(added) == 1 {
			return str(added[0].Get("name"))
		}
	}
	return ""
}
