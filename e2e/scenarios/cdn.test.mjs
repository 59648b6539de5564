// Readers behind a cache: what ../stage.mjs plays.

import { after, before, describe, test } from "node:test";
import { acts, missing, stage } from "../stage.mjs";

const skip = missing && process.env.HOLT_TESTS_REQUIRE !== "all" ? `missing here: ${missing}; scripts/test-tools.sh installs it` : false;

describe("readers behind a cache", { skip, timeout: 180_000 }, () => {
  let it;
  before(async () => (it = await stage()));
  after(() => it?.stop());
  for (const act of acts) test(act.name, async () => void (await act.play(it)));
});
