// A provider that stands in for Google's where its program cannot be had: it serves the schema that was
// published (schema.py), refuses values that the published descriptions do not list, and plans and applies as if
// every request were granted. What it answers for a computed attribute is made up; it reaches no network.
// GOOGLE_SCHEMA names the file that schema.py wrote.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type provider struct {
	tfprotov5.ProviderServer // what tofu never asks of this one
	file                     *file
}

func main() {
	read, err := readFile(os.Getenv("GOOGLE_SCHEMA"))
	if err != nil {
		log.Fatalf("GOOGLE_SCHEMA: %v", err)
	}
	err = tf5server.Serve("registry.opentofu.org/hashicorp/google", func() tfprotov5.ProviderServer {
		return &provider{file: read}
	})
	if err != nil {
		log.Fatal(err)
	}
}

func readFile(path string) (*file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := &file{}
	return read, json.Unmarshal(text, read)
}

func (p *provider) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	return &tfprotov5.GetMetadataResponse{}, nil
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	answer := &tfprotov5.GetProviderSchemaResponse{
		Provider:          p.file.Provider.schema(),
		ResourceSchemas:   map[string]*tfprotov5.Schema{},
		DataSourceSchemas: map[string]*tfprotov5.Schema{},
	}
	for name, each := range p.file.Resources {
		answer.ResourceSchemas[name] = each.schema()
	}
	for name, each := range p.file.DataSources {
		answer.DataSourceSchemas[name] = each.schema()
	}
	return answer, nil
}

func (p *provider) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (p *provider) PrepareProviderConfig(_ context.Context, request *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: request.Config}, nil
}

func (p *provider) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceTypeConfig(_ context.Context, request *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	schema := p.file.Resources[request.TypeName]
	config, err := request.Config.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ValidateResourceTypeConfigResponse{
		Diagnostics: schema.unlisted(config, tftypes.NewAttributePath()),
	}, nil
}

func (p *provider) ValidateDataSourceConfig(_ context.Context, request *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	schema := p.file.DataSources[request.TypeName]
	config, err := request.Config.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ValidateDataSourceConfigResponse{
		Diagnostics: schema.unlisted(config, tftypes.NewAttributePath()),
	}, nil
}

func (p *provider) UpgradeResourceState(_ context.Context, request *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	schema := p.file.Resources[request.TypeName]
	state, err := request.RawState.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	upgraded, err := tfprotov5.NewDynamicValue(schema.objectType(), state)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &upgraded}, err
}

func (p *provider) ReadResource(_ context.Context, request *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: request.CurrentState, Private: request.Private}, nil
}

func (p *provider) PlanResourceChange(_ context.Context, request *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	schema := p.file.Resources[request.TypeName]
	prior, err := request.PriorState.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	proposed, err := request.ProposedNewState.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	planned := proposed
	if prior.IsNull() && !proposed.IsNull() {
		planned = schema.fill(proposed, func(name string, kind tftypes.Type) tftypes.Value {
			return tftypes.NewValue(kind, tftypes.UnknownValue)
		})
	}
	answer, err := tfprotov5.NewDynamicValue(schema.objectType(), planned)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &answer}, err
}

func (p *provider) ApplyResourceChange(_ context.Context, request *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	schema := p.file.Resources[request.TypeName]
	planned, err := request.PlannedState.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	made := planned
	if !planned.IsNull() {
		made = schema.fill(planned, maker(request.TypeName, planned))
	}
	answer, err := tfprotov5.NewDynamicValue(schema.objectType(), made)
	return &tfprotov5.ApplyResourceChangeResponse{NewState: &answer}, err
}

func (p *provider) ReadDataSource(_ context.Context, request *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	schema := p.file.DataSources[request.TypeName]
	config, err := request.Config.Unmarshal(schema.objectType())
	if err != nil {
		return nil, err
	}
	answer, err := tfprotov5.NewDynamicValue(schema.objectType(), schema.fill(config, maker(request.TypeName, config)))
	return &tfprotov5.ReadDataSourceResponse{State: &answer}, err
}

// Refused with where it stands, as the real provider would.
func refusal(path *tftypes.AttributePath, value string, values []string) *tfprotov5.Diagnostic {
	return &tfprotov5.Diagnostic{
		Severity:  tfprotov5.DiagnosticSeverityError,
		Summary:   fmt.Sprintf("%q is none of %q", value, values),
		Attribute: path,
	}
}
