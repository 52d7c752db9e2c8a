// One way through the API with the AWS SDK for JavaScript; test_javascript.py runs it.
// The SDK is in the folder that LONGSHORE_JAVASCRIPT names.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.LONGSHORE_JAVASCRIPT}/package.json`);
const sdk = require("@aws-sdk/client-ecs");

const client = new sdk.ECSClient({ maxAttempts: 1 });
const send = (command) => client.send(command);

const { cluster } = await send(new sdk.CreateClusterCommand({ clusterName: "javascript" }));
assert.equal(cluster.status, "ACTIVE");

const app = {
  name: "app",
  image: "example:1",
  memory: 16,
  dockerLabels: { "longshore.script": "run 10ms; exit 3" },
};
const definition = { family: "javascript", containerDefinitions: [app] };
const { taskDefinition } = await send(new sdk.RegisterTaskDefinitionCommand(definition));
assert.equal(taskDefinition.revision, 1);

const request = { taskDefinition: "javascript", count: 3, clientToken: "once", tags: [{ key: "a", value: "1" }] };
const { tasks, failures, $metadata } = await send(new sdk.RunTaskCommand(request));
assert.deepEqual([tasks.length, failures], [3, []]);
assert.ok(tasks[0].createdAt instanceof Date);
assert.equal($metadata.requestId.length, 36);

const arns = tasks.map((task) => task.taskArn);
const wait = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 };
const waited = await sdk.waitUntilTasksStopped(wait, { tasks: arns });
assert.equal(waited.state, "SUCCESS");
const described = await send(new sdk.DescribeTasksCommand({ tasks: arns, include: ["TAGS"] }));
assert.deepEqual(described.tasks.map((task) => task.containers[0].exitCode), [3, 3, 3]);
assert.deepEqual(described.tasks[0].tags, [{ key: "a", value: "1" }]);

const listed = [];
for await (const page of sdk.paginateListTasks({ client, pageSize: 2 }, { desiredStatus: "STOPPED" })) {
  listed.push(...page.taskArns);
}
assert.deepEqual(listed.sort(), [...arns].sort());

await assert.rejects(send(new sdk.ListTasksCommand({ cluster: "nowhere" })), sdk.ClusterNotFoundException);
await assert.rejects(send(new sdk.RunTaskCommand({ ...request, count: 1 })), (error) => {
  assert.ok(error instanceof sdk.ConflictException);
  assert.deepEqual([...error.resourceIds].sort(), [...arns].sort());
  return true;
});

// A task that lives 10 ms: each waiter ends as the acceptors of the model say, and by its first look
// where the task is over before it begins.
const short = { ...app, dockerLabels: { "longshore.script": "run 10ms; exit 0" } };
await send(new sdk.RegisterTaskDefinitionCommand({ family: "short", containerDefinitions: [short] }));
let looks = 0;
client.middlewareStack.add((next) => (args) => ((looks += 1), next(args)), { step: "initialize" });
const outcome = async (waiting) => {
  looks = 0;
  try {
    return { state: (await waiting()).state, looks };
  } catch (error) {
    assert.notEqual(error.name, "TimeoutError");
    return { state: JSON.parse(error.message).state, looks };
  }
};
const start = async () => {
  const started = await send(new sdk.RunTaskCommand({ taskDefinition: "short" }));
  return [started.tasks[0].taskArn];
};
const over = await start();
assert.equal((await outcome(() => sdk.waitUntilTasksStopped(wait, { tasks: over }))).state, "SUCCESS");
const stopped = await outcome(() => sdk.waitUntilTasksStopped(wait, { tasks: over }));
assert.deepEqual(stopped, { state: "SUCCESS", looks: 1 });
const running = await outcome(() => sdk.waitUntilTasksRunning(wait, { tasks: over }));
assert.deepEqual(running, { state: "FAILURE", looks: 1 });
const fresh = await start();
const either = await outcome(() => sdk.waitUntilTasksRunning(wait, { tasks: fresh }));
assert.ok(["SUCCESS", "FAILURE"].includes(either.state), either.state);
const missing = await outcome(() => sdk.waitUntilTasksRunning(wait, { tasks: ["0".repeat(32)] }));
assert.deepEqual(missing, { state: "FAILURE", looks: 1 });

// Signatures are checked: all of the above was signed well.
const forger = new sdk.ECSClient({
  maxAttempts: 1,
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: "wrong" },
});
await assert.rejects(forger.send(new sdk.ListTasksCommand({})), { name: "InvalidSignatureException" });
