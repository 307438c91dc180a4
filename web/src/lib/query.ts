import { QueryClient } from "@tanstack/react-query";
import { HttpError } from "./http";

/** Answers below 500 will not change by asking again. */
function worthRetry(count: number, error: Error): boolean {
  if (error instanceof HttpError && error.status > 0 && error.status < 500) return false;
  return count < 2;
}

export const queryClient = new QueryClient({ defaultOptions: { queries: { retry: worthRetry, staleTime: 15_000, refetchOnWindowFocus: false } } });
