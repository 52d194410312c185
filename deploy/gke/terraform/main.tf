# What setup.sh makes with gcloud. Why each setting is as it is stands there.

locals {
  log_parent      = var.log_parent != "" ? var.log_parent : "projects/${var.project_id}"
  parent_kind     = split("/", local.log_parent)[0]
  parent_name     = split("/", local.log_parent)[1]
  cluster_project = var.cluster_project_id != "" ? var.cluster_project_id : var.project_id

  push = var.way == "push"
  pull = var.way == "pull"

  # Audit entries of the Kubernetes API.
  filter = "resource.type=\"k8s_cluster\" AND protoPayload.serviceName=\"k8s.io\" AND (log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\"))"

  services = concat(
    ["logging.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com"],
    local.push ? ["pubsub.googleapis.com"] : ["cloudresourcemanager.googleapis.com"],
  )

  destination = "pubsub.googleapis.com/projects/${var.project_id}/topics/${var.topic}"
  writer_identity = one(concat(
    google_logging_project_sink.audit[*].writer_identity,
    google_logging_folder_sink.audit[*].writer_identity,
    google_logging_organization_sink.audit[*].writer_identity,
  ))

  viewer_roles = toset(["roles/logging.viewer", "roles/logging.privateLogViewer"])
  parent_roles = setunion(local.viewer_roles, ["roles/browser"]) # to find the projects in it

  # Where none are named, it is the project whose logs are read.
  data_access_projects = length(var.data_access_projects) > 0 ? var.data_access_projects : toset(local.parent_kind == "projects" ? [local.parent_name] : [])
}

resource "google_project_service" "needed" {
  for_each = toset(local.services)

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

resource "google_service_account" "kubewitness" {
  project      = var.project_id
  account_id   = var.service_account
  display_name = "kubewitness"

  depends_on = [google_project_service.needed]
}

resource "google_service_account_iam_member" "workload_identity" {
  service_account_id = google_service_account.kubewitness.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${local.cluster_project}.svc.id.goog[${var.namespace}/${var.service_account}]"
}

# Push: a sink sends to a topic, and kubewitness reads a subscription to it.

resource "google_pubsub_topic" "audit" {
  count = local.push ? 1 : 0

  project = var.project_id
  name    = var.topic

  depends_on = [google_project_service.needed]
}

resource "google_pubsub_subscription" "kubewitness" {
  count = local.push ? 1 : 0

  project = var.project_id
  name    = var.subscription
  topic   = google_pubsub_topic.audit[0].id

  ack_deadline_seconds       = 60
  message_retention_duration = "604800s" # 7 days
  retain_acked_messages      = false
  enable_message_ordering    = false

  expiration_policy {
    ttl = "" # never
  }
}

resource "google_pubsub_subscription_iam_member" "subscriber" {
  count = local.push ? 1 : 0

  project      = var.project_id
  subscription = google_pubsub_subscription.kubewitness[0].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.kubewitness.member
}

resource "google_logging_project_sink" "audit" {
  count = local.push && local.parent_kind == "projects" ? 1 : 0

  project                = local.parent_name
  name                   = var.sink
  destination            = local.destination
  filter                 = local.filter
  unique_writer_identity = true

  dynamic "exclusions" {
    for_each = var.exclusions
    content {
      name   = exclusions.key
      filter = exclusions.value
    }
  }

  depends_on = [google_pubsub_subscription.kubewitness]
}

resource "google_logging_folder_sink" "audit" {
  count = local.push && local.parent_kind == "folders" ? 1 : 0

  folder           = local.parent_name
  name             = var.sink
  destination      = local.destination
  filter           = local.filter
  include_children = true

  dynamic "exclusions" {
    for_each = var.exclusions
    content {
      name   = exclusions.key
      filter = exclusions.value
    }
  }

  depends_on = [google_pubsub_subscription.kubewitness]
}

resource "google_logging_organization_sink" "audit" {
  count = local.push && local.parent_kind == "organizations" ? 1 : 0

  org_id           = local.parent_name
  name             = var.sink
  destination      = local.destination
  filter           = local.filter
  include_children = true

  dynamic "exclusions" {
    for_each = var.exclusions
    content {
      name   = exclusions.key
      filter = exclusions.value
    }
  }

  depends_on = [google_pubsub_subscription.kubewitness]
}

resource "google_pubsub_topic_iam_member" "sink" {
  count = local.push ? 1 : 0

  project = var.project_id
  topic   = google_pubsub_topic.audit[0].name
  role    = "roles/pubsub.publisher"
  member  = local.writer_identity
}

# Pull: kubewitness reads the log itself.

resource "google_project_iam_member" "viewer" {
  for_each = local.pull && local.parent_kind == "projects" ? local.viewer_roles : toset([])

  project = local.parent_name
  role    = each.value
  member  = google_service_account.kubewitness.member
}

resource "google_folder_iam_member" "viewer" {
  for_each = local.pull && local.parent_kind == "folders" ? local.parent_roles : toset([])

  folder = local.log_parent
  role   = each.value
  member = google_service_account.kubewitness.member
}

resource "google_organization_iam_member" "viewer" {
  for_each = local.pull && local.parent_kind == "organizations" ? local.parent_roles : toset([])

  org_id = local.parent_name
  role   = each.value
  member = google_service_account.kubewitness.member
}

# Reads, where they are wanted. This replaces what a project says of this service, and of no other.

resource "google_project_iam_audit_config" "reads" {
  for_each = length(var.data_access) > 0 ? local.data_access_projects : toset([])

  project = each.value
  service = "container.googleapis.com"

  dynamic "audit_log_config" {
    for_each = var.data_access
    content {
      log_type = audit_log_config.value
    }
  }
}
