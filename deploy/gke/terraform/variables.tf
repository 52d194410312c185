variable "project_id" {
  description = "Project of the topic, the subscription and the service account."
  type        = string
}

variable "log_parent" {
  description = "Whose logs are read: projects/ID, folders/NUMBER or organizations/NUMBER. Empty: those of project_id."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^$|^(projects|folders|organizations)/[^/]+$", var.log_parent))
    error_message = "Write projects/ID, folders/NUMBER or organizations/NUMBER."
  }
}

variable "cluster_project_id" {
  description = "Project of the cluster that kubewitness runs in. Empty: project_id."
  type        = string
  default     = ""
}

variable "way" {
  description = "How the log is read: push (log sink and Pub/Sub) or pull (Cloud Logging API)."
  type        = string
  default     = "push"

  validation {
    condition     = contains(["push", "pull"], var.way)
    error_message = "Write push or pull."
  }
}

variable "namespace" {
  description = "Namespace of the pod."
  type        = string
  default     = "kubewitness"
}

variable "service_account" {
  description = "Name of the service account, in Google Cloud and in Kubernetes."
  type        = string
  default     = "kubewitness"
}

variable "sink" {
  description = "Name of the log sink."
  type        = string
  default     = "kubewitness-gke-audit"
}

variable "topic" {
  description = "Name of the topic."
  type        = string
  default     = "kubewitness-gke-audit"
}

variable "subscription" {
  description = "Name of the subscription."
  type        = string
  default     = "kubewitness"
}

variable "exclusions" {
  description = "What is not sent: filters by their names. It stays in the log, and is not judged."
  type        = map(string)
  default     = {}
  # {
  #   leases = "protoPayload.methodName:\"io.k8s.coordination.v1.leases.\" AND protoPayload.authenticationInfo.principalEmail=~\"^system:\""
  # }
}

variable "data_access" {
  description = "Data Access logs to turn on in the projects whose clusters are watched: ADMIN_READ, DATA_READ, DATA_WRITE. They are billed."
  type        = set(string)
  default     = []
}

variable "data_access_projects" {
  description = "Those projects. None: that of log_parent, if it is a project."
  type        = set(string)
  default     = []
}
