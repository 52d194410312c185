package indices

// Files are the bodies of all requests that set up, by file name, for people who put
// things up with tools of their own, or want to see them first: what Run puts up on a
// server with ILM, and the role and API keys that it does not make.
func (o *Options) Files() (map[string][]byte, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, r := range append(o.resources(policies, o.kinds()), o.roles()...) {
		files[r.File] = r.Body
	}
	return files, nil
}
