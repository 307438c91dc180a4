/** What another site pastes to show a published page. */

export type EmbedWay = "frame" | "bubble";

function parts(url: string): { readonly origin: string; readonly code: string } {
  const { origin, pathname } = new URL(url);
  const path = pathname.split("/").filter(Boolean);
  // The page may be served below a path of its own.
  const below = path.slice(0, -2).map((part) => `/${part}`);
  return { origin: `${origin}${below.join("")}`, code: path.at(-1) ?? "" };
}

/** A chat in a frame has its compact page. */
export function frameCode(url: string, chat: boolean): string {
  const { origin, code } = parts(url);
  return `<iframe
  src="${chat ? `${origin}/chatbot/${code}` : url}"
  style="width: 100%; height: 100%; min-height: 700px"
  frameborder="0"
  allow="microphone">
</iframe>`;
}

export function bubbleCode(url: string): string {
  const { origin, code } = parts(url);
  return `<script>
  window.difyChatbotConfig = {
    token: "${code}",
    baseUrl: "${origin}",
    inputs: {
      // name: "value of an input of the form"
    },
    systemVariables: {
      // user_id: "your own name for the visitor"
    },
    userVariables: {
      // name: "shown to the visitor"
    },
    draggable: false
  };
</script>
<script src="${origin}/embed.min.js" id="${code}" defer></script>
<style>
  :root {
    --dify-chatbot-bubble-button-bg-color: #155EEF;
  }
</style>`;
}
