// What the journeys on the canvas have in common.
export const node = (page, title) => page.locator(".react-flow__node", { has: page.locator(`.st-title:text-is("${title}")`) });
export const open = (page, title) => node(page, title).locator(".st-title").first().click();
export const panel = (page) => page.getByRole("complementary", { name: /Node settings|Panel/ });
export const ended = (page, state) => page.locator(".st-pill", { hasText: state }).waitFor();

export async function newWorkflow(page, name) {
  await page.getByRole("button", { name: /^New app/ }).first().click();
  await page.getByRole("dialog").getByPlaceholder("For example Returns triage").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await page.waitForURL(/\/workflow/);
  await page.locator(".st-node").first().waitFor();
}

/** Adds a node behind a port by the plus that hovering shows. */
export async function addAfter(page, from, option) {
  await from.locator(".st-head").hover({ position: { x: 40, y: 10 } });
  await from.locator(".st-add").first().click();
  await page.getByRole("option", { name: option }).click();
}

/** The output node in the panel gives a variable as `result`. */
export async function giveResult(page, variable) {
  await panel(page).getByRole("button", { name: "Add", exact: true }).click();
  await panel(page).getByRole("button", { name: /Value of result/ }).click();
  await page.getByRole("option", { name: variable }).first().click();
  await page.keyboard.press("Escape");
}

/** Starts the draft from its form, which has nothing more to fill in. */
export async function start(page) {
  await page.keyboard.press("Alt+r");
  await page.locator("form button[type=submit]").click();
}

export const result = (page) => panel(page).locator(".st-code").last().innerText();

export async function publish(page) {
  await page.getByRole("button", { name: "Publish" }).first().click();
  await page.locator("dialog").getByRole("button", { name: "Publish" }).click();
  await page.locator("dialog").waitFor({ state: "detached" });
}
