import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactElement } from "react";
import { TipProvider } from "../ui/Tip";

/** Draws a part as the shell would, with a fresh cache. */
export function show(element: ReactElement): RenderResult {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false }, mutations: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <TipProvider>{element}</TipProvider>
    </QueryClientProvider>,
  );
}
