/* cluster/nodes_file.c - reading nodes.conf takes two passes: the first gives every node its place, so that a line may name a
 * node whose own line comes later; the second fills them. Nothing is repaired: Redis lets the second of two owners of a
 * slot win by order of lines and reads numbers up to the first odd character; whoever edited such a file wants to know.
 */
#include "cluster/nodes_file.h"

#include <string.h>

#include "cluster/failure.h"
#include "cluster/node_line.h"
#include "cluster/persist.h"
#include "proto/base/assert.h"
#include "proto/base/number.h"

#define FIELDS_MIN          8
#define BUS_PORT_OFFSET     10000u /* where a line has no "@cport" */
#define VAR_CURRENT_EPOCH   "currentEpoch"
#define VAR_LAST_VOTE_EPOCH "lastVoteEpoch"
#define VAR_SHARD_ID        "shard-id:"
#define VAR_NODENAME        "nodename:"

static const char *const status_texts[NODES_FILE_STATUS_COUNT] = {
	[NODES_FILE_OK] = "ok",
	[NODES_FILE_EMPTY] = "the file is empty",
	[NODES_FILE_CUT_SHORT] =
		"the file is cut short: it does not end with currentEpoch and lastVoteEpoch",
	[NODES_FILE_BAD_LINE] = "a node needs eight fields",
	[NODES_FILE_BAD_ID] = "not a node id",
	[NODES_FILE_NODE_TWICE] = "the node has a line already",
	[NODES_FILE_TOO_MANY_NODES] = "more nodes than this node can know",
	[NODES_FILE_BAD_ADDRESS] = "not ip:port@cport",
	[NODES_FILE_BAD_FIELD] = "a field behind the address is not what it should be",
	[NODES_FILE_BAD_FLAG] = "unknown flag",
	[NODES_FILE_BAD_ROLE] = "neither master nor slave, or both",
	[NODES_FILE_NO_MYSELF] = "no node is myself",
	[NODES_FILE_MYSELF_TWICE] = "a second node is myself",
	[NODES_FILE_BAD_PRIMARY] = "the master is not one that this node can have",
	[NODES_FILE_UNKNOWN_PRIMARY] = "the master has no line",
	[NODES_FILE_BAD_NUMBER] = "not a number",
	[NODES_FILE_BAD_SLOT] = "not a slot or a range of slots",
	[NODES_FILE_SLOT_TWICE] = "a slot has an owner already",
	[NODES_FILE_SLOT_OF_REPLICA] = "a replica owns no slots",
	[NODES_FILE_BAD_OPEN_SLOT] = "not [slot->-id] or [slot-<-id] of our own",
	[NODES_FILE_UNKNOWN_OPEN_NODE] = "the other end of an open slot has no line",
	[NODES_FILE_BAD_VARS] = "vars are not pairs of name and value",
};

const char *
nodes_file_status_text(enum nodes_file_status status)
{
	ASSERT(status < NODES_FILE_STATUS_COUNT);
	return status_texts[status];
}

/* ---- writing ---- */

static void
put_vars_of(struct text *t, const char *name, const struct node *n)
{
	text_word(t, "vars ");
	text_word(t, name);
	text_id(t, &n->id);
	text_word(t, " ");
}

size_t
nodes_file_write(const struct cluster *c, const struct cluster_facts *facts, void *at, size_t size)
{
	struct text t = size == 0 ? text_count() : text_buffer(at, size);
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (!n->in_use || (n->flags & NODE_HANDSHAKE) != 0)
			continue;
		node_line(&t, c, n, facts);
		text_word(&t, "\n");
		if (!node_id_is_nobody(&n->shard_id)) {
			put_vars_of(&t, VAR_SHARD_ID, n);
			text_id(&t, &n->shard_id);
			text_word(&t, "\n");
		}
		if (n->nodename[0] != '\0') {
			put_vars_of(&t, VAR_NODENAME, n);
			text_word(&t, n->nodename);
			text_word(&t, "\n");
		}
	}
	text_word(&t, "vars " VAR_CURRENT_EPOCH " ");
	text_number(&t, c->live.current_epoch);
	text_word(&t, " " VAR_LAST_VOTE_EPOCH " ");
	text_number(&t, c->live.last_vote_epoch);
	text_word(&t, "\n");
	return t.len;
}

/* ---- words and numbers ---- */

static bool
word_is(struct span word, const char *text)
{
	return span_equal(word, (struct span){(const uint8_t *)text, strlen(text)});
}

/* Cuts off what stands before the first byte that is one of stops, and that byte. False: nothing is left. */
static bool
cut(struct span *rest, const char *stops, struct span *piece)
{
	if (rest->len == 0)
		return false;
	size_t len = 0;
	while (len < rest->len && strchr(stops, rest->at[len]) == NULL)
		len++;
	*piece = (struct span){rest->at, len};
	size_t used = len < rest->len ? len + 1 : len;
	*rest = (struct span){rest->at + used, rest->len - used};
	return true;
}

static bool
word_next(struct span *rest, struct span *word)
{
	while (cut(rest, " \t\r", word))
		if (word->len > 0)
			return true;
	return false;
}

static bool
number_at_most(struct span word, uint64_t max, uint64_t *out)
{
	int64_t value;
	if (!number_parse(word.at, word.len, &value) || value < 0 || (uint64_t)value > max)
		return false;
	*out = (uint64_t)value;
	return true;
}

/* Where the byte stands last; word.len: nowhere. */
static size_t
find_last(struct span word, uint8_t byte)
{
	for (size_t i = word.len; i > 0; i--)
		if (word.at[i - 1] == byte)
			return i - 1;
	return word.len;
}

static bool
take_id(struct span word, struct node_id *id)
{
	if (word.len != NODE_ID_LEN)
		return false;
	memcpy(id->bytes, word.at, NODE_ID_LEN);
	return node_id_is_valid(id);
}

/* A text into a field of size bytes with its zero. */
static bool
take_text(struct span word, char *field, size_t size)
{
	if (word.len >= size)
		return false;
	memset(field, 0, size);
	if (word.len > 0)
		memcpy(field, word.at, word.len);
	return true;
}

/* ---- one node's line ---- */

struct reader {
	struct cluster *c;
	struct span rest; /* the lines to come */
	uint64_t current_epoch, last_vote_epoch;
	uint32_t line;
	bool myself_seen, epochs_seen; /* epochs_seen: in the line last read */
};

static bool
line_next(struct reader *r, struct span *line)
{
	if (!cut(&r->rest, "\n", line))
		return false;
	r->line++;
	return true;
}

/* "ip:port@cport"; the ip may hold colons. */
static enum nodes_file_status
read_address(struct span word, struct node *n)
{
	uint64_t port, cport;
	size_t colon = find_last(word, ':');
	if (colon == word.len)
		return NODES_FILE_BAD_ADDRESS;
	struct span ports = {word.at + colon + 1, word.len - colon - 1}, first;
	if (!cut(&ports, "@", &first) || !number_at_most(first, UINT16_MAX, &port))
		return NODES_FILE_BAD_ADDRESS;
	if (first.at + first.len == word.at + word.len)
		cport = port + BUS_PORT_OFFSET; /* Redis before 4.0 */
	else if (!number_at_most(ports, UINT16_MAX, &cport))
		return NODES_FILE_BAD_ADDRESS;
	if (cport > UINT16_MAX || !take_text((struct span){word.at, colon}, n->ip, sizeof(n->ip)))
		return NODES_FILE_BAD_ADDRESS;
	n->port = (uint16_t)port;
	n->cport = (uint16_t)cport;
	return NODES_FILE_OK;
}

/* What follows the address behind commas: the host name first, then pairs. */
static enum nodes_file_status
read_extras(struct span extras, struct node *n)
{
	struct span piece, name;
	for (bool first = true; cut(&extras, ",", &piece); first = false) {
		struct span value = piece;
		bool fits = true;
		bool is_pair = memchr(piece.at, '=', piece.len) != NULL;
		cut(&value, "=", &name);
		if (first && !is_pair)
			fits = take_text(piece, n->hostname, sizeof(n->hostname));
		else if (word_is(name, "shard-id"))
			fits = take_id(value, &n->shard_id);
		else if (word_is(name, "nodename"))
			fits = take_text(value, n->nodename, sizeof(n->nodename));
		if (!fits)
			return NODES_FILE_BAD_FIELD;
	}
	return NODES_FILE_OK;
}

static enum nodes_file_status
read_flags(struct span word, uint16_t *flags)
{
	static const struct {
		const char *name;
		uint16_t flag;
	} known[] = {
		{"myself",     NODE_MYSELF    },
                {"master",     NODE_PRIMARY   },
		{"slave",      NODE_REPLICA   },
                {"fail?",      NODE_PFAIL     },
		{"fail",       NODE_FAIL      },
                {"handshake",  NODE_HANDSHAKE },
		{"noaddr",     NODE_NOADDR    },
                {"nofailover", NODE_NOFAILOVER},
		{"noflags",    0              },
	};
	const size_t count = sizeof(known) / sizeof(known[0]);
	struct span piece;
	*flags = 0;
	while (cut(&word, ",", &piece)) {
		size_t i = 0;
		while (i < count && !word_is(piece, known[i].name))
			i++;
		if (i == count)
			return NODES_FILE_BAD_FLAG;
		*flags |= known[i].flag;
	}
	uint16_t role = *flags & (NODE_PRIMARY | NODE_REPLICA);
	if (role == (NODE_PRIMARY | NODE_REPLICA) || (role == 0 && (*flags & NODE_MYSELF) != 0))
		return NODES_FILE_BAD_ROLE;
	if (role ==
	    0) /* Redis writes that of a node it has only been told of; its first header will say */
		*flags |= NODE_PRIMARY;
	return NODES_FILE_OK;
}

static enum nodes_file_status
find_primary(const struct cluster *c, struct span word, const struct node *n, uint16_t flags,
	     uint32_t *primary)
{
	struct node_id id;
	*primary = NODE_NONE;
	if (word_is(word, "-"))
		return NODES_FILE_OK;
	if (!take_id(word, &id) || node_id_equal(&id, &n->id) || (flags & NODE_REPLICA) == 0)
		return NODES_FILE_BAD_PRIMARY;
	*primary = view_find(c, &id);
	return *primary != NODE_NONE ? NODES_FILE_OK : NODES_FILE_UNKNOWN_PRIMARY;
}

/* "[93->-id]" and "[93-<-id]". */
static enum nodes_file_status
read_open_slot(struct reader *r, struct span word, const struct node *n)
{
	struct span number, rest = {word.at + 1, word.len - 1};
	uint64_t slot;
	struct node_id id;
	if ((n->flags & NODE_MYSELF) == 0 || !cut(&rest, "-", &number) ||
	    !number_at_most(number, SLOT_COUNT - 1, &slot) || rest.len != NODE_ID_LEN + 3 ||
	    (rest.at[0] != '>' && rest.at[0] != '<') || rest.at[1] != '-' ||
	    rest.at[rest.len - 1] != ']' || !take_id((struct span){rest.at + 2, NODE_ID_LEN}, &id))
		return NODES_FILE_BAD_OPEN_SLOT;
	uint32_t peer = view_find(r->c, &id);
	if (peer == NODE_NONE)
		return NODES_FILE_UNKNOWN_OPEN_NODE;
	if (rest.at[0] == '>')
		r->c->migrating_to[slot] = peer;
	else
		r->c->importing_from[slot] = peer;
	return NODES_FILE_OK;
}

static enum nodes_file_status
read_slots(struct reader *r, struct span word, uint32_t node)
{
	struct span number;
	uint64_t first, last;
	if (!cut(&word, "-", &number) || !number_at_most(number, SLOT_COUNT - 1, &first))
		return NODES_FILE_BAD_SLOT;
	last = first;
	if (number.at + number.len != word.at + word.len &&
	    (!number_at_most(word, SLOT_COUNT - 1, &last) || last < first))
		return NODES_FILE_BAD_SLOT;
	if (!node_is_primary(&r->c->nodes[node]))
		return NODES_FILE_SLOT_OF_REPLICA;
	for (uint64_t slot = first; slot <= last; slot++) {
		if (r->c->owner[slot] != NODE_NONE)
			return NODES_FILE_SLOT_TWICE;
		view_set_owner(r->c, (uint16_t)slot, node);
	}
	return NODES_FILE_OK;
}

/* Fields five to seven: ping sent, pong received, config epoch. Of the times only whether there is one matters (spec B10). */
static enum nodes_file_status
read_numbers(const struct reader *r, const struct span *words, struct node *n)
{
	uint64_t ping, pong, epoch;
	if (!number_at_most(words[0], INT64_MAX, &ping) ||
	    !number_at_most(words[1], INT64_MAX, &pong) ||
	    !number_at_most(words[2], EPOCH_MAX, &epoch))
		return NODES_FILE_BAD_NUMBER;
	if ((n->flags & NODE_MYSELF) == 0) {
		n->ping_sent_ms = ping != 0 ? r->c->now_ms : 0;
		n->pong_received_ms = pong != 0 ? r->c->now_ms : 0;
	}
	/* A replica's line carries its primary's epoch (spec A38). */
	n->config_epoch = (n->flags & NODE_REPLICA) != 0 ? 0 : epoch;
	return NODES_FILE_OK;
}

/* What of our own line does not count: the configuration says it anew. */
static void
configure_myself(struct cluster *c)
{
	struct node *n = view_myself(c);
	const struct cluster_config *config = &c->config;
	n->port = config->port;
	n->cport = config->cport;
	memcpy(n->hostname, config->hostname, sizeof(n->hostname));
	memcpy(n->nodename, config->nodename, sizeof(n->nodename));
	if (config->ip[0] != '\0')
		memcpy(n->ip, config->ip, sizeof(n->ip));
}

static enum nodes_file_status
read_role(struct reader *r, struct span word, uint32_t node, uint16_t flags)
{
	struct cluster *c = r->c;
	uint32_t primary;
	enum nodes_file_status status = find_primary(c, word, &c->nodes[node], flags, &primary);
	if (status != NODES_FILE_OK || (flags & NODE_REPLICA) == 0)
		return status;
	view_set_role(c, node, true, primary);
	/* Who has replicas may get more (spec A36). */
	if (primary != NODE_NONE && node_is_primary(&c->nodes[primary]))
		c->nodes[primary].flags |= NODE_MIGRATE_TO;
	return NODES_FILE_OK;
}

static enum nodes_file_status
read_fields(struct reader *r, const struct span *words, uint32_t node)
{
	struct node *n = &r->c->nodes[node];
	struct span extras = words[1], address;
	uint16_t flags;
	cut(&extras, ",", &address);
	enum nodes_file_status status = read_flags(words[2], &flags);
	if (status == NODES_FILE_OK)
		status = read_address(address, n);
	if (status == NODES_FILE_OK)
		status = read_extras(extras, n);
	if (status == NODES_FILE_OK)
		status = read_role(r, words[3], node, flags);
	if (status != NODES_FILE_OK)
		return status;
	if (node == 0)
		configure_myself(r->c);
	else
		failure_set_flags(r->c, node,
				  flags & ((flags & NODE_FAIL) != 0 ? NODE_FAIL : NODE_PFAIL));
	return read_numbers(r, words + 4, n);
}

/* False: this is not a node's line but empty, padding, or vars. */
static bool
is_node_line(struct span line)
{
	struct span word;
	return line.len > 0 && line.at[0] != '\0' && word_next(&line, &word) &&
	       !word_is(word, "vars");
}

static enum nodes_file_status
fill_node(struct reader *r, struct span line)
{
	struct span words[FIELDS_MIN], word;
	struct node_id id;
	for (unsigned i = 0; i < FIELDS_MIN; i++)
		if (!word_next(&line, &words[i]))
			return NODES_FILE_BAD_LINE;
	if (!take_id(words[0], &id))
		return NODES_FILE_BAD_ID;
	uint32_t node = view_find(r->c, &id);
	ASSERT(node != NODE_NONE);
	enum nodes_file_status status = read_fields(r, words, node);
	while (status == NODES_FILE_OK && word_next(&line, &word))
		status = word.at[0] == '[' ? read_open_slot(r, word, &r->c->nodes[node])
					   : read_slots(r, word, node);
	return status;
}

static enum nodes_file_status
add_node(struct cluster *c, const struct node_id *id, uint16_t flags)
{
	flags &= (uint16_t) ~(NODE_PFAIL | NODE_FAIL);
	return view_add(c, id, flags) != NODE_NONE ? NODES_FILE_OK : NODES_FILE_TOO_MANY_NODES;
}

/* First pass: a place for the node. */
static enum nodes_file_status
place_node(struct reader *r, struct span line)
{
	struct span name, address, words;
	struct node_id id;
	uint16_t flags = 0;
	if (!word_next(&line, &name) || !take_id(name, &id))
		return NODES_FILE_BAD_ID;
	if (!word_next(&line, &address) || !word_next(&line, &words))
		return NODES_FILE_BAD_LINE;
	enum nodes_file_status status = read_flags(words, &flags);
	if (status != NODES_FILE_OK)
		return status;
	if (view_find(r->c, &id) != NODE_NONE)
		return NODES_FILE_NODE_TWICE;
	if ((flags & NODE_MYSELF) == 0)
		return add_node(r->c, &id, flags);
	if (r->myself_seen)
		return NODES_FILE_MYSELF_TWICE;
	r->myself_seen = true;
	view_rename(r->c, 0, &id);
	return NODES_FILE_OK;
}

/* ---- vars ---- */

static bool
starts_with(struct span word, const char *prefix, struct span *rest)
{
	size_t len = strlen(prefix);
	if (word.len < len || memcmp(word.at, prefix, len) != 0)
		return false;
	*rest = (struct span){word.at + len, word.len - len};
	return true;
}

/* NULL: no such node. */
static struct node *
named_node(struct reader *r, struct span word)
{
	struct node_id id;
	uint32_t node = take_id(word, &id) ? view_find(r->c, &id) : NODE_NONE;
	return node != NODE_NONE ? &r->c->nodes[node] : NULL;
}

static enum nodes_file_status
fill_var(struct reader *r, struct span name, struct span value)
{
	struct span of;
	if (word_is(name, VAR_CURRENT_EPOCH))
		return number_at_most(value, EPOCH_MAX, &r->current_epoch) ? NODES_FILE_OK
									   : NODES_FILE_BAD_NUMBER;
	if (word_is(name, VAR_LAST_VOTE_EPOCH)) {
		r->epochs_seen = true;
		return number_at_most(value, EPOCH_MAX, &r->last_vote_epoch)
			       ? NODES_FILE_OK
			       : NODES_FILE_BAD_NUMBER;
	}
	bool shard = starts_with(name, VAR_SHARD_ID, &of);
	if (!shard && !starts_with(name, VAR_NODENAME, &of))
		return NODES_FILE_OK; /* somebody else's */
	struct node *n = named_node(r, of);
	if (n == NULL)
		return NODES_FILE_BAD_VARS;
	if (shard)
		return take_id(value, &n->shard_id) ? NODES_FILE_OK : NODES_FILE_BAD_FIELD;
	if ((n->flags & NODE_MYSELF) != 0)
		return NODES_FILE_OK; /* the configuration's */
	return take_text(value, n->nodename, sizeof(n->nodename)) ? NODES_FILE_OK
								  : NODES_FILE_BAD_FIELD;
}

static enum nodes_file_status
fill_vars(struct reader *r, struct span line)
{
	struct span name, value;
	enum nodes_file_status status = NODES_FILE_OK;
	r->epochs_seen = false;
	if (!word_next(&line, &name) || !word_is(name, "vars"))
		return NODES_FILE_OK; /* an empty line */
	while (status == NODES_FILE_OK && word_next(&line, &name))
		status = word_next(&line, &value) ? fill_var(r, name, value) : NODES_FILE_BAD_VARS;
	return status;
}

/* ---- the whole ---- */

/* F3: what remains once padding is gone must end a line. 0: nothing is there. SIZE_MAX: it does not. */
static size_t
length_without_padding(struct span text)
{
	size_t len = text.len;
	while (len > 0 && (text.at[len - 1] == '\n' || text.at[len - 1] == '\0'))
		len--;
	if (len == 0)
		return 0;
	return len < text.len && text.at[len] == '\n' ? len + 1 : SIZE_MAX;
}

static bool
ends_with_epochs(struct span text)
{
	struct span line = {text.at, text.len - 1}, word;
	size_t before = find_last(line, '\n');
	if (before < line.len)
		line = (struct span){line.at + before + 1, line.len - before - 1};
	if (!word_next(&line, &word) || !word_is(word, "vars"))
		return false;
	unsigned found = 0;
	while (word_next(&line, &word)) {
		found |= word_is(word, VAR_CURRENT_EPOCH) ? 1u : 0u;
		found |= word_is(word, VAR_LAST_VOTE_EPOCH) ? 2u : 0u;
	}
	return found == 3;
}

static enum nodes_file_status
read_pass(struct reader *r, struct span text, bool filling)
{
	enum nodes_file_status status = NODES_FILE_OK;
	struct span line;
	r->rest = text;
	r->line = 0;
	while (status == NODES_FILE_OK && line_next(r, &line)) {
		if (is_node_line(line))
			status = filling ? fill_node(r, line) : place_node(r, line);
		else if (filling && line.len > 0 && line.at[0] != '\0')
			status = fill_vars(r, line);
	}
	return status;
}

/* Replicas belong to the shard of their primary; a file of Redis 7.0 does not say which that is. */
static void
settle_shards(struct cluster *c)
{
	for (uint32_t i = 0; i < c->high; i++) {
		struct node *n = &c->nodes[i];
		if (n->in_use && n->primary != NODE_NONE &&
		    !node_id_is_nobody(&c->nodes[n->primary].shard_id))
			n->shard_id = c->nodes[n->primary].shard_id;
	}
}

/* V4 (view.h): no epoch is beyond the current one. */
static void
settle_epochs(const struct reader *r)
{
	struct cluster *c = r->c;
	uint64_t epoch =
		r->current_epoch > r->last_vote_epoch ? r->current_epoch : r->last_vote_epoch;
	for (uint32_t i = 0; i < c->high; i++)
		if (c->nodes[i].in_use && c->nodes[i].config_epoch > epoch)
			epoch = c->nodes[i].config_epoch;
	c->live.current_epoch = epoch;
	c->live.last_vote_epoch = r->last_vote_epoch;
}

enum nodes_file_status
nodes_file_read(struct cluster *c, struct span text, uint32_t *line)
{
	struct reader r = {.c = c};
	*line = 0;
	size_t len = length_without_padding(text);
	if (len == 0)
		return NODES_FILE_EMPTY;
	if (len == SIZE_MAX || !ends_with_epochs((struct span){text.at, len}))
		return NODES_FILE_CUT_SHORT;
	text.len = len;
	enum nodes_file_status status = read_pass(&r, text, false);
	if (status == NODES_FILE_OK && !r.myself_seen)
		status = NODES_FILE_NO_MYSELF;
	if (status == NODES_FILE_OK)
		status = read_pass(&r, text, true);
	*line = r.line;
	if (status != NODES_FILE_OK)
		return status;
	settle_shards(c);
	settle_epochs(&r);
	persist_loaded(c);
	return NODES_FILE_OK;
}
