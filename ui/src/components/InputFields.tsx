import { NumberInput, PasswordInput, Select, Textarea, TextInput } from "@mantine/core";
import { controlOf, type Declaration, type Declarations, shownDefault } from "../lib/inputs";
import type { FaultOf } from "./Form";

interface InputFieldsProps {
  /** What the definition says of its inputs, if it says it and is known; else names with values are asked for. */
  declared: Declarations | undefined;
  faultOf: FaultOf;
}

/** Asks for the inputs of an execution, each as it is declared. */
export function InputFields({ declared, faultOf }: InputFieldsProps) {
  if (declared === undefined) {
    return (
      <Textarea
        label="Inputs"
        description="Names with values, as YAML or JSON: any, unless the definition declares which."
        name="inputs"
        placeholder="name: value"
        autosize
        minRows={3}
        maxRows={16}
        spellCheck={false}
        styles={MONOSPACE}
        error={faultOf("inputs")}
      />
    );
  }
  return Object.entries(declared).map(([name, declaration]) => (
    <InputField key={name} name={name} declaration={declaration} fault={faultOf(`inputs.${name}`)} />
  ));
}

interface InputFieldProps {
  name: string;
  declaration: Declaration;
  fault: string | undefined;
}

function InputField({ name, declaration, fault }: InputFieldProps) {
  const common = {
    name: `inputs.${name}`,
    label: name,
    description: declaration.description ?? undefined,
    placeholder: shownDefault(declaration),
    required: (declaration.required ?? false) && declaration.default === undefined,
    error: fault,
  };
  switch (controlOf(declaration)) {
    case "choice":
      return <Select {...common} data={["true", "false"]} placeholder={shownDefault(declaration) || "not given"} clearable />;
    case "number":
      return <NumberInput {...common} allowDecimal={declaration.type === "number"} />;
    case "secret":
      return <PasswordInput {...common} autoComplete="off" visibilityToggleButtonProps={{ "aria-label": `Show ${name}` }} />;
    case "json":
      return <Textarea {...common} autosize minRows={1} maxRows={12} spellCheck={false} styles={MONOSPACE} />;
    case "text":
      return shownDefault(declaration).includes("\n") ? <Textarea {...common} autosize maxRows={12} /> : <TextInput {...common} autoComplete="off" />;
  }
}

const MONOSPACE = { input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } };
