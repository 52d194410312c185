// Package config is the configuration of the service: one tree of structs, its
// defaults, and how a file, the environment and flags fill it.
//
// [Load] puts the four sources together, the stronger over the weaker (flags,
// environment, file, defaults), and refuses what nobody would want to be guessed:
// unknown keys, wrong types, sizes and times without meaning. [Loaded.Validate]
// then looks at what the values mean together. Both tell every [Problem] they
// find, not the first, each with its place and what to write instead.
//
// Everything else is derived from the structs by reflection: names of keys and of
// environment variables, [Markdown], [Loaded.WriteYAML]. A new setting is a new
// field with its tags, and a default.
//
// Secrets are never values here, only names of files that hold them; opening these
// files, or anything else but the configuration file, belongs elsewhere. So do
// parsing of command lines (the commands register [Flags]) and whatever the
// settings bring about. viper stays inside: no other package sees it.
package config
