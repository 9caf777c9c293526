// Runs one stock client for Node.js against a cluster until standard input ends; a test starts it, see test_cluster_clients.py.
// node clients.js ioredis|node-redis HOST PORT TAG: writes and reads keys, some of TAG's slot. Prints "N calls", or the first error and ends with 1.
const [kind, host, port, tag] = process.argv.slice(2);

async function open() {
	if (kind === "ioredis") {
		const { Cluster } = require("ioredis");
		const cluster = new Cluster([{ host, port: Number(port) }], {
			slotsRefreshInterval: 1000,
			slotsRefreshTimeout: 3000,
			maxRedirections: 100,
			redisOptions: { connectTimeout: 2000 },
		});
		cluster.on("error", () => {}); // of a node: what a command meets is what counts
		return cluster;
	}
	const cluster = require("redis").createCluster({
		rootNodes: [{ url: `redis://${host}:${port}` }],
		maxCommandRedirections: 100,
		defaults: { socket: { connectTimeout: 2000 } },
	});
	cluster.on("error", () => {});
	await cluster.connect();
	return cluster;
}

async function main() {
	let stopping = false;
	process.stdin.on("end", () => (stopping = true)).resume();
	const cluster = await open();
	let calls = 0;
	for (; !stopping; calls += 2) {
		const key = calls % 4 ? `${kind}:${calls % 97}` : `${tag}:${calls % 40}`;
		if ((await cluster.set(key, `v${calls}`)) !== "OK")
			throw new Error(`SET ${key} is not OK`);
		const value = await cluster.get(key);
		if (!/^v\d+$/.test(value || "") && !key.startsWith(tag))
			throw new Error(`GET ${key}: ${value}`);
	}
	console.log(`${calls} calls`);
	process.exit(0);
}

main().catch((e) => {
	console.log(`${kind}: ${e.message}`);
	process.exit(1);
});
