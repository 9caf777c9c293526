/* cluster/failure.h - from silence to FAIL: suspicion, reports, quorum, and the way back (spec A10 to A15).
 *
 *     ok --silent > T--> PFAIL --reports of a quorum of voting primaries--> FAIL --> FAIL message to all
 *      ^--PONG----------'  ^ FAIL message from anybody known ----------------^  |
 *      '--PONG; with slots only after 2T -------------------------------------'
 *
 * F1  A node is never PFAIL and FAIL at once. F2  A report older than 2T does not count. F3  One report per reporter and node.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/effect.h"

struct cluster;

#define FAILURE_REPORT_FACTOR 2 /* x T */
#define FAILURE_UNDO_FACTOR   2 /* x T */

enum fail_refusal { FAIL_TAKEN, FAIL_UNKNOWN_NODE, FAIL_MYSELF, FAIL_ALREADY, FAIL_REFUSAL_COUNT };

const char *fail_refusal_name(enum fail_refusal refusal);

/* Is the node silent for too long? Then PFAIL; with a cluster of one voter, us, FAIL at once (spec A10). */
void failure_suspect(struct cluster *c, uint32_t node, struct effects *out);
uint64_t failure_suspect_at(const struct cluster *c, uint32_t node); /* UINT64_MAX: no ping waits */
void failure_report(struct cluster *c, uint32_t node, uint32_t reporter, struct effects *out);
void failure_unreport(struct cluster *c, uint32_t node, uint32_t reporter);
/* Drops expired ones first. */
uint32_t failure_report_count(struct cluster *c, uint32_t node);
/* Enough reports? Then FAIL, to be told to everybody by failure_tell(). */
void failure_decide(struct cluster *c, uint32_t node, struct effects *out);
enum fail_refusal failure_on_message(struct cluster *c, const struct node_id *failed,
				     uint32_t sender, struct effects *out);
/* A PONG came on the outbound link: PFAIL ends, FAIL perhaps. */
void failure_on_pong(struct cluster *c, uint32_t node, struct effects *out);
void failure_tell(struct cluster *c, struct effects *out);
void failure_forget(struct cluster *c, uint32_t node); /* reports by it and about it, its flags */
void failure_set_flags(struct cluster *c, uint32_t node,
		       uint16_t flags); /* of a file or of gossip: PFAIL, FAIL */
