/* cluster/forget.h - removing nodes: FORGET with its blacklist, RESET (spec A40, A41).
 *
 * X1  A forgotten node is not learned again by gossip for blacklist_ttl_s; MEET brings it back at once.
 * X2  RESET HARD is the only thing that lowers an epoch, and it ends the identity that the epochs belonged to.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct effects;
struct node_id;
struct bus_forgotten;

enum forget_refusal {
	FORGET_DONE,
	FORGET_UNKNOWN,    /* "Unknown node" */
	FORGET_MYSELF,     /* "I tried hard but I can't forget myself..." */
	FORGET_MY_PRIMARY, /* "Can't forget my master!" */
	FORGET_ALREADY,    /* unknown and on the blacklist: OK as in 7.2 */
	FORGET_REFUSAL_COUNT,
};

enum reset_refusal { RESET_DONE, RESET_HOLDS_KEYS, RESET_REFUSAL_COUNT };

const char *forget_refusal_name(enum forget_refusal refusal);

enum forget_refusal forget_node(struct cluster *c, const struct node_id *id, uint64_t ttl_ms,
				struct effects *out);
bool forget_is_banned(const struct cluster *c, const struct node_id *id);
/* What is banned, for the extension FORGOTTEN_NODE; at most room. */
uint32_t forget_list(const struct cluster *c, struct bus_forgotten *at, uint32_t room);
enum reset_refusal reset_node(struct cluster *c, bool hard, struct effects *out);
