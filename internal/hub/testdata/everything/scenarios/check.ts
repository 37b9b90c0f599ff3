export default () => ({ remark: "checked" });
