/* cluster/health.h - is the cluster ok, as far as this node can tell: may it serve (spec A37)?
 *
 * H1  fail: a slot without owner or with a failed one (require_full_coverage), or fewer than a quorum of voting primaries in
 *     reach. A minority never serves.
 * H2  A primary is not ok for the first HEALTH_WRITABLE_MS after its start, nor for clamp(T, 0.5 s, 5 s) after it was in a
 *     minority: it may have been replaced and not know. A replica does not wait.
 * H3  self_fencing: a primary is not ok while a majority of voters has not answered a ping sent within 7/8 T. A peer counts
 *     that ping as a sign of life, so it cannot hold us for PFAIL before T has passed from there (spec A10, E2 9).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct effects;

#define HEALTH_WRITABLE_MS   2000
#define HEALTH_REJOIN_MS_MIN 500
#define HEALTH_REJOIN_MS_MAX 5000

enum health_reason {
	HEALTH_OK,
	HEALTH_SLOT_UNOWNED,
	HEALTH_OWNER_FAILED,
	HEALTH_MINORITY,
	HEALTH_FENCED,    /* H3 */
	HEALTH_STARTING,  /* H2 */
	HEALTH_REJOINING, /* H2 */
	HEALTH_REASON_COUNT,
};

struct health {
	bool ok;
	uint8_t reason;      /* enum health_reason */
	uint64_t started_ms, /* of this process */
		minority_ms; /* last seen in a minority; 0: never */
};

const char *health_reason_name(enum health_reason reason);

/* Pure: what the view says, delays of H2 included. */
enum health_reason health_decide(const struct cluster *c);
uint64_t health_rejoin_ms(const struct cluster *c);
/* Applies the decision; a change is traced and published by EFFECT_SLOTS. */
void health_run(struct cluster *c, struct effects *out);
/* When H3 will fence us if nothing is heard; UINT64_MAX: never. */
uint64_t health_fence_at(const struct cluster *c);
