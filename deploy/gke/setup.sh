#!/usr/bin/env bash
# Makes in Google Cloud what kubewitness reads the audit log of GKE by:
#
#   setup.sh [--dry-run] push   a log sink, its topic, a subscription, and who may read that (Pub/Sub)
#   setup.sh [--dry-run] pull   who may read the log itself (Cloud Logging API)
#
# PROJECT_ID must be set; all below can be. It may run again at any time: what is there is set to what is said here, and
# nothing is deleted. IAM may not know at once what was just made: if it says so, run it again. --dry-run prints the
# commands for a project where nothing is there, and asks nobody.
set -euo pipefail

PROJECT_ID=${PROJECT_ID:-}                             # where topic, subscription and service account are
LOG_PARENT=${LOG_PARENT:-projects/$PROJECT_ID}         # whose logs: projects/ID, folders/NUMBER or organizations/NUMBER
CLUSTER_PROJECT_ID=${CLUSTER_PROJECT_ID:-$PROJECT_ID}  # of the cluster that kubewitness runs in
NAMESPACE=${NAMESPACE:-kubewitness}                    # of the pod
SERVICE_ACCOUNT=${SERVICE_ACCOUNT:-kubewitness}        # name of the account, in Google Cloud and in Kubernetes
SINK=${SINK:-kubewitness-gke-audit}
TOPIC=${TOPIC:-kubewitness-gke-audit}
SUBSCRIPTION=${SUBSCRIPTION:-kubewitness}

# Audit entries of the Kubernetes API. Those of container.googleapis.com, the API that makes clusters, are no audit events.
FILTER='resource.type="k8s_cluster" AND protoPayload.serviceName="k8s.io" AND (log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/data_access"))'

# What is not sent, by the same language; it stays in the log. None, unless set: what is not sent is not judged. Leases of
# nodes and controllers are a large part of many clusters, and say little:
#   EXCLUSION='protoPayload.methodName:"io.k8s.coordination.v1.leases." AND protoPayload.authenticationInfo.principalEmail=~"^system:"'
EXCLUSION=${EXCLUSION:-}

ACK_DEADLINE=60 # seconds until a message comes again of which nothing is heard; the client asks for more by itself
RETENTION=7d    # how long kubewitness may be away

dry=
usage() {
	sed -n '4,5p' "$0" >&2
	exit 2
}

# run says what it does, so that it can be copied, and does it.
run() {
	local word line=
	for word; do
		case $word in
		*[!A-Za-z0-9_./:=@,+-]*) word="'${word//\'/\'\\\'\'}'" ;;
		esac
		line="$line $word"
	done
	echo "${line# }"
	[ -n "$dry" ] || "$@" >/dev/null
}

# there tells whether something is there already.
there() {
	[ -z "$dry" ] && "$@" >/dev/null 2>&1
}

account() {
	echo "$SERVICE_ACCOUNT@$PROJECT_ID.iam.gserviceaccount.com"
}

# make_account makes the service account, and lets the pod act as it.
make_account() {
	if ! there gcloud iam service-accounts describe "$(account)" --project="$PROJECT_ID"; then
		run gcloud iam service-accounts create "$SERVICE_ACCOUNT" --display-name="kubewitness" --project="$PROJECT_ID"
	fi
	run gcloud iam service-accounts add-iam-policy-binding "$(account)" --project="$PROJECT_ID" \
		--role=roles/iam.workloadIdentityUser --member="serviceAccount:$CLUSTER_PROJECT_ID.svc.id.goog[$NAMESPACE/$SERVICE_ACCOUNT]"
}

# parent_flags are those that name LOG_PARENT to gcloud logging.
parent_flags() {
	case $LOG_PARENT in
	projects/*) echo "--project=${LOG_PARENT#projects/}" ;;
	folders/*) echo "--folder=${LOG_PARENT#folders/}" ;;
	organizations/*) echo "--organization=${LOG_PARENT#organizations/}" ;;
	*)
		echo "LOG_PARENT is $LOG_PARENT; write projects/ID, folders/NUMBER or organizations/NUMBER" >&2
		exit 2
		;;
	esac
}

push() {
	run gcloud services enable logging.googleapis.com pubsub.googleapis.com iam.googleapis.com iamcredentials.googleapis.com --project="$PROJECT_ID"
	make_account
	if ! there gcloud pubsub topics describe "$TOPIC" --project="$PROJECT_ID"; then
		run gcloud pubsub topics create "$TOPIC" --project="$PROJECT_ID"
	fi

	# No dead-letter policy: kubewitness itself keeps what is no entry, with the reason, and acknowledges it. What it does not
	# acknowledge is what it cannot store yet, and that must come again for as long as it takes. No ordering: it is not needed,
	# and would have one message hold up others. Never expiring: a subscription that nobody read for 31 days would be deleted.
	local settings=(--ack-deadline="$ACK_DEADLINE" --message-retention-duration="$RETENTION" --expiration-period=never)
	if there gcloud pubsub subscriptions describe "$SUBSCRIPTION" --project="$PROJECT_ID"; then
		run gcloud pubsub subscriptions update "$SUBSCRIPTION" "${settings[@]}" --project="$PROJECT_ID"
	else
		run gcloud pubsub subscriptions create "$SUBSCRIPTION" --topic="$TOPIC" "${settings[@]}" --project="$PROJECT_ID"
	fi
	run gcloud pubsub subscriptions add-iam-policy-binding "$SUBSCRIPTION" --project="$PROJECT_ID" \
		--role=roles/pubsub.subscriber --member="serviceAccount:$(account)"

	make_sink
}

# make_sink comes last, when what it writes to is there, and what reads that.
make_sink() {
	local flags destination="pubsub.googleapis.com/projects/$PROJECT_ID/topics/$TOPIC" writer=WRITER_IDENTITY
	flags=$(parent_flags)
	local create=("$flags" --log-filter="$FILTER")
	if there gcloud logging sinks describe "$SINK" "$flags"; then
		update_sink "$flags" "$destination"
	else
		case $LOG_PARENT in
		projects/*) ;;
		*) create+=(--include-children) ;;
		esac
		if [ -n "$EXCLUSION" ]; then
			create+=(--exclusion="name=noise,filter=$EXCLUSION")
		fi
		run gcloud logging sinks create "$SINK" "$destination" "${create[@]}"
	fi
	if [ -z "$dry" ]; then
		writer=$(gcloud logging sinks describe "$SINK" "$flags" --format='value(writerIdentity)')
	fi
	run gcloud pubsub topics add-iam-policy-binding "$TOPIC" --project="$PROJECT_ID" --role=roles/pubsub.publisher --member="$writer"
}

update_sink() {
	local flags=$1 destination=$2 change=--add-exclusion
	local update=("$flags" --log-filter="$FILTER")
	if [ -n "$EXCLUSION" ]; then
		if gcloud logging sinks describe "$SINK" "$flags" --format='value(exclusions.name)' | grep -q noise; then
			change=--update-exclusion
		fi
		update+=("$change=name=noise,filter=$EXCLUSION")
	fi
	run gcloud logging sinks update "$SINK" "$destination" "${update[@]}"
}

pull() {
	# The Resource Manager tells which projects a folder has, and "kubewitness gcp doctor" about permissions.
	run gcloud services enable logging.googleapis.com iam.googleapis.com iamcredentials.googleapis.com cloudresourcemanager.googleapis.com --project="$PROJECT_ID"
	make_account
	local role roles=(roles/logging.viewer roles/logging.privateLogViewer) # the second for Data Access
	case $LOG_PARENT in
	projects/*) ;;
	*) roles+=(roles/browser) ;; # to find the projects in it, whose logs are read
	esac
	for role in "${roles[@]}"; do
		case $LOG_PARENT in
		projects/*) run gcloud projects add-iam-policy-binding "${LOG_PARENT#projects/}" --role="$role" --member="serviceAccount:$(account)" --condition=None ;;
		folders/*) run gcloud resource-manager folders add-iam-policy-binding "${LOG_PARENT#folders/}" --role="$role" --member="serviceAccount:$(account)" --condition=None ;;
		organizations/*) run gcloud organizations add-iam-policy-binding "${LOG_PARENT#organizations/}" --role="$role" --member="serviceAccount:$(account)" --condition=None ;;
		esac
	done
}

if [ "${1:-}" = --dry-run ]; then
	dry=1
	shift
fi
[ $# -eq 1 ] || usage
if [ -z "$PROJECT_ID" ]; then
	echo "PROJECT_ID is not set: PROJECT_ID=my-project $0 $1" >&2
	exit 2
fi
parent_flags >/dev/null
case $1 in
push) push ;;
pull) pull ;;
*) usage ;;
esac
