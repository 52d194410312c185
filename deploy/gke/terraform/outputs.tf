output "service_account" {
  description = "For the annotation iam.gke.io/gcp-service-account of the Kubernetes service account."
  value       = google_service_account.kubewitness.email
}

output "subscription" {
  description = "For pubsub.subscriptions; null for pull."
  value       = local.push ? "projects/${var.project_id}/subscriptions/${var.subscription}" : null
}

output "resource" {
  description = "For cloudlogging.resources; null for push."
  value       = local.pull ? local.log_parent : null
}

output "writer_identity" {
  description = "As whom the sink writes; null for pull."
  value       = local.writer_identity
}
