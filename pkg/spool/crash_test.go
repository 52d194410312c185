package spool

const roleVariable = "SPOOL_TEST_ROLE"

func play(string) int { return 2 }
