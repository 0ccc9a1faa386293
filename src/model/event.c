/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

static const struct event_kind kinds[] = {
    {"created", "", "An admin registered the node; `cause` says who.", NULL},
    {"changed", "", "An admin changed the registered node.", NULL},
    {"deleted", "", "An admin deleted the registered node.", NULL},
    {"rekeyed", "", "The node has a new seed key; the old one opens nothing any more.",
     "Give the machine its new serial."},
    {"armed", "from minutes generation",
     "A build window was opened, for so many minutes. `from` is the state before, here and below.",
     "Start the machine."},
    {"registered", "from", "The window was closed or ended before the machine was seen.", NULL},
    {"disarmed", "", "An admin closed the window.", NULL},
    {"expired", "", "The window's time is over.",
     "`cloudseed node arm NODE` if it has not joined yet."},
    {"unlocked", "", "An admin unlocked the node.", NULL},
    {"reprovisioned", "generation", "The node will be installed again, with a new instance-id.",
     "Start the machine from an empty disk."},
    {"restored", "generation",
     "A backup with a lower generation was restored; the higher one was kept.", NULL},
    {"vm", "endpoint host vmid", "The node has this VM.", NULL},
    {"vm-gone", "endpoint host vmid", "The node does not have this VM any more.", NULL},
    {"vm-lost", "endpoint host vmid", "The VM was given up with its host: a tombstone.",
     "Never start it again; `cloudseed pve destroy NODE` removes it once the host is back."},
    {"installing", "from file evidence ignored",
     "The same as `booting` of a node whose role has an installer, which comes first.", NULL},
    {"booting", "from file evidence ignored",
     "The machine has fetched its first file, or its installer has ended. `evidence` is by what it "
     "was found, if not by its "
     "key; `ignored` is a UUID that many machines report.",
     NULL},
    {"progress", "stage type result duration description reboot",
     "A step of cloud-init: `type` is `start` or `finish`, `result` is `SUCCESS`, `WARN` or "
     "`FAIL`, `duration` is in seconds, `reboot` is there after a reboot.",
     "After `FAIL`: `/var/log/cloud-init.log` on the node."},
    {"rebooted", "", "A node that was up has booted again.", NULL},
    {"up", "from hostname fqdn instance_id host_keys",
     "The node has phoned home, or cloud-init has ended; `host_keys` are the kinds of its keys.",
     NULL},
    {"identity", "hostname fqdn instance_id host_keys",
     "A node that is up has another name, or ssh host keys that were accepted.", NULL},
    {"joining", "from", "The node asked how to join its cluster.", NULL},
    {"waits", "reason", "What the joining node waits for; once for each reason.",
     "`cloudseed doctor NODE` if it does not end."},
    {"render-failed", "reason",
     "A template failed when the node asked to join; it asks again. `reason` has the place.",
     "Correct the template, then `cloudseed reload`."},
    {"minting", "cluster token reason",
     "The cluster is asked for a bootstrap token for this node; `token` is its public part.", NULL},
    {"mint-waits", "cluster token reason",
     "The cluster does not have the token yet, or refuses it.",
     "As `reason` says; `cloudseed cluster show CLUSTER`."},
    {"minted", "cluster token reason", "The cluster has the token.", NULL},
    {"joined", "", "The node has reported that its join succeeded.", NULL},
    {"ready", "from result warnings",
     "The cluster has the Node as Ready; for a node without a cluster: cloud-init has ended.",
     NULL},
    {"not-ready", "reason",
     "A node that was ready is not Ready any more, or its cluster has lost it.",
     "`kubectl describe node NODE`."},
    {"ready-again", "", "It is Ready again.", NULL},
    {"approved", "certificate",
     "A kubelet's certificate was approved: `client`, for its way into the cluster, or `serving`.",
     NULL},
    {"failed", "from stage reason log",
     "A step of the boot or join failed, or nothing was received in time; `log` is the end of the "
     "join's log.",
     "As `reason` and `log` say: `cloudseed node show NODE`."},
    {"alarm", "reason detail",
     "Something that must not happen: another claim, a wrong key, other host keys, a machine that "
     "is only partly the node.",
     "Find the cause before you arm the node again."},
    {"locked", "reason", "The alarm locked the node: it gets nothing more.",
     "`cloudseed node unlock NODE`, or arm it again."},
    {"cluster-init", "cluster epoch detail", "The node makes the cluster: it has the lease.", NULL},
    {"cluster-turn", "cluster epoch detail", "The node is the further master whose turn it is.",
     NULL},
    {"cluster-standing", "cluster epoch detail", "The node has reported that the cluster runs.",
     NULL},
    {"cluster-tokens", "cluster epoch detail",
     "The cluster was reported or adopted again, with other tokens.", NULL},
    {"cluster-adopted", "cluster epoch detail", "An admin adopted a cluster that runs.", NULL},
    {"cluster-version", "cluster epoch detail", "The API server has another version than before.",
     "Set `version` of the cluster to it."},
    {"cluster-certificate", "cluster epoch detail",
     "The certificate of an API server ends in less than 30 days; once for each.",
     "`kubeadm certs renew all` on that master."},
    {"cluster-clock", "cluster epoch detail",
     "The API server's clock differs by more than a minute from this server's, or agrees again.",
     "NTP on both."},
    {"cluster-renewed", "cluster epoch detail", "An account of the server has a new token.", NULL},
    {"cluster-late", "cluster epoch detail",
     "Half of a token's life is over, and it could not be renewed.",
     "As `detail` says; else `cloudseed cluster adopt`."},
    {"cluster-certs", "cluster epoch detail", "An admin got a new certificate key.",
     "Run the command that came with it on a master."},
    {"cluster-stuck", "cluster epoch detail",
     "The master whose turn it is has failed, and others wait for it.",
     "Correct its fault and arm it again, or `cloudseed node disarm NODE`."},
    {"cluster-request", "cluster epoch detail",
     "A certificate request of none of its nodes is pending; once for each, 8 in 10 minutes at "
     "most.",
     "`kubectl get csr`; deny it if you do not know it."},
    {"cluster-autoapproves", "cluster epoch detail",
     "Any bootstrap token gets a certificate for any node's name again, as after a kubeadm "
     "upgrade.",
     "`cloudseed cluster show CLUSTER` prints the command that stops this."},
    {"cluster-hardened", "cluster epoch detail", "The cluster approves nothing by itself.", NULL},
    {"cluster-returning", "cluster epoch detail", "An admin hands approval back to the cluster.",
     "Run the command that was printed."},
    {"cluster-returned", "cluster epoch detail",
     "The cluster approves by itself; the approver's token is forgotten.", NULL},
    {"cluster-unconfirmed", "cluster epoch",
     "A backup was restored: the cluster may have changed since.",
     "`cloudseed cluster adopt`, or `cloudseed cluster reset` if it is gone."},
    {"cluster-reset", "cluster epoch detail",
     "An admin forgot the cluster; `epoch` is the one that begins.",
     "Arm a master to make it again."},
    {"state-behind", "found noted",
     "The server's state is older than it was: it has revision `found` instead of `noted`.",
     "Restore a newer backup, or `cloudseed server acknowledge`."},
    {"state-acknowledged", "found noted", "An admin accepted that loss.", NULL},
    {"token-created", "name role",
     "An admin made a token, by which the API is asked from elsewhere.", NULL},
    {"token-revoked", "name role",
     "An admin revoked a token, or a restored backup had it: it opens nothing any more.",
     "After a restore: `cloudseed token create`."},
};

const struct event_kind *event_kind_at(size_t i)
{
    return i < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[i] : NULL;
}

const struct event_kind *event_kind_find(struct str name)
{
    const struct event_kind *k;
    for (size_t i = 0; (k = event_kind_at(i)); i++) {
        if (str_is(name, k->name))
            return k;
    }
    return NULL;
}

bool event_kind_has(const struct event_kind *k, struct str key)
{
    struct str rest = str_from(k->keys);
    while (rest.p) {
        if (str_eq(str_cut(&rest, ' '), key))
            return true;
    }
    return false;
}
