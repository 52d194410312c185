package elastic
