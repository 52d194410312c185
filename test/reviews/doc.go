// Package reviews makes of recorded audit events the admission reviews that the API server
// would have sent of the same requests, to a webhook put up as deploy/admission has it: what
// our rules find by admission is measured on the recordings that they are measured on
// anyway, with the conversion of the service itself.
//
// A review has more than an audit event of the same request: the object as it was before. It
// is taken from the requests before, as far as these are in the recording. It has less, which
// the conversion leaves out.
//
// Tests only.
package reviews
