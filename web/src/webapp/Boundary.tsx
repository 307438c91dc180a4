/** What breaks while it is drawn is said in its place instead of leaving an empty page. */
import { Component, type ReactNode } from "react";

interface Props {
  readonly fallback: (error: unknown, retry: () => void) => ReactNode;
  readonly children: ReactNode;
}

export class Boundary extends Component<Props, { readonly broken: { readonly error: unknown } | null }> {
  override state: { readonly broken: { readonly error: unknown } | null } = { broken: null };

  static getDerivedStateFromError(error: unknown) {
    return { broken: { error } };
  }

  override render(): ReactNode {
    const { broken } = this.state;
    return broken ? this.props.fallback(broken.error, () => this.setState({ broken: null })) : this.props.children;
  }
}
