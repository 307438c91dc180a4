def main(template, variables):
    from jinja2.sandbox import SandboxedEnvironment

    return {"text": SandboxedEnvironment().from_string(template).render(**variables)}
