/* cluster/handshake.h - how strangers become nodes: MEET in both directions, identity, addresses (spec A1 to A4, A16, H1).
 *
 *     MEET ip port --> HANDSHAKE, random id --first PONG--> renamed to its sender
 *     frame MEET of a stranger --> HANDSHAKE, random id --our own PING, its PONG--> renamed
 *
 * S1  Only MEET makes a stranger known: its PING is answered and changes nothing, its other frames are refused.
 * S2  A handshake ends within max(T, 1 s): as a node, or removed.
 * S3  An address in our table is what its node last said of itself on a link it opened, or what a third found healthy (A16).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/effect.h"

struct cluster;
struct cluster_event;

enum meet_result { MEET_STARTED, MEET_IN_PROGRESS, MEET_BAD_ADDRESS, MEET_FULL, MEET_RESULT_COUNT };

const char *meet_result_name(enum meet_result result);

/* CLUSTER MEET; IN_PROGRESS is answered OK as well. ip: canonical text. */
enum meet_result handshake_start(struct cluster *c, const char *ip, uint16_t port, uint16_t cport);
/* MEET from a stranger. */
enum meet_result handshake_on_meet(struct cluster *c, const struct cluster_event *event);
/* A frame on the outbound link of a node in handshake; sender: known already, or NODE_NONE. Answers the node's index afterwards. */
uint32_t handshake_on_answer(struct cluster *c, uint32_t temporary, uint32_t sender,
			     const struct cluster_event *event, struct effects *out);
/* A peer answers under another id than the one we called (spec A1). */
void handshake_on_wrong_id(struct cluster *c, uint32_t node, struct effects *out);
/* Is it too old? Then it is removed. */
bool handshake_expire(struct cluster *c, uint32_t node, struct effects *out);
/* Address of a known node, from its PING (spec A16). */
void handshake_update_address(struct cluster *c, uint32_t node, const struct cluster_event *event,
			      struct effects *out);
/* Our own address, where nobody has told us (spec A4). */
void handshake_learn_own_ip(struct cluster *c, const char *own_ip, bool meet);
