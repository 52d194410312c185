package main

import "github.com/spf13/cobra"

func newAdmissionDoctor(io stdio) *cobra.Command {
	return &cobra.Command{Use: "doctor"}
}
